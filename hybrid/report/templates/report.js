"use strict";

// Tables: a button in each heading sorts the rows, by number where the cells hold numbers, otherwise by text.
const collator = new Intl.Collator(undefined, { numeric: true });

function valueOf(row, column) {
  const cell = row.cells[column];
  if (!("value" in cell.dataset)) return cell.textContent.trim();
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}

function compareValues(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null); // undefined values come last
  return sign * (typeof a === "number" ? a - b : collator.compare(a, b));
}

function sortBy(table, column) {
  const heading = table.tHead.rows[0].cells[column];
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [valueOf(row, column), row]);
  rows.sort(([a], [b]) => compareValues(a, b, down ? -1 : 1));
  body.append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.tHead.rows[0].cells) {
    heading.querySelector("button").addEventListener("click", () => sortBy(table, heading.cellIndex));
  }
}

// A table that is wider than the page says so, and its edge is marked until the last column is reached.
function markCut(box) {
  box.classList.toggle("cut", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
}

for (const box of document.querySelectorAll(".scroll")) {
  box.addEventListener("scroll", () => markCut(box));
  new ResizeObserver(() => markCut(box)).observe(box);
}

// The threshold explorer only looks up counts that were computed when the report was written.
// Only odd sixteenths lie exactly between two numbers of three decimals. They are rounded to the even one, as in the tables.
function ratio(part, whole) {
  if (!whole) return "–";
  const value = part / whole;
  const down = (16 * value) % 2 === 1 && Math.floor(1000 * value) % 2 === 0;
  return (down ? value - 1e-9 : value).toFixed(3);
}

function figuresAt(label, step) {
  const tp = label.tp[step];
  const fp = label.fp[step];
  const fn = label.positives - tp;
  const tn = label.negatives - fp;
  return {
    name: label.name,
    threshold: String(Number(label.thresholds[step].toPrecision(6))),
    tp, fn, fp, tn,
    recall: ratio(tp, tp + fn),
    specificity: ratio(tn, tn + fp),
    precision: ratio(tp, tp + fp),
    f1: ratio(2 * tp, 2 * tp + fp + fn),
  };
}

function startExplorer(box) {
  const labels = JSON.parse(box.querySelector("script").textContent).labels;
  const slider = box.querySelector("input");
  const select = box.querySelector("select");
  const chosen = () => labels[select ? Number(select.value) : 0];

  function show() {
    const figures = figuresAt(chosen(), Number(slider.value));
    box.querySelector("output").textContent = figures.threshold;
    for (const field of box.querySelectorAll("[data-of]")) field.textContent = figures[field.dataset.of];
    slider.setAttribute(
      "aria-valuetext",
      `${figures.threshold}: recall ${figures.recall}, specificity ${figures.specificity}, precision ${figures.precision}`,
    );
  }

  function resetThreshold() {
    slider.max = chosen().thresholds.length - 1;
    slider.value = chosen().own;
    show();
  }

  slider.addEventListener("input", show);
  box.querySelector(".own").addEventListener("click", resetThreshold);
  if (select) select.addEventListener("change", resetThreshold);
  box.querySelector(".controls").hidden = false;
  resetThreshold();
}

document.querySelectorAll(".explorer").forEach(startExplorer);

// Open all collapsed details before printing, because a reader of the paper cannot open them.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => (details.open = true)));
