"use strict";
// Dialogs of cells.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-opens]");
  if (button) document.getElementById(button.dataset.opens).showModal();
  if (event.target.matches("dialog, dialog .close")) event.target.closest("dialog").close();
});
// On paper everything is open.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => (each.open = true)));

// A table with [data-details] is sorted by its headings and filtered by the fields of its form.
for (const table of document.querySelectorAll("table[data-details]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const form = document.getElementById(table.dataset.details);
  const shown = form.querySelector("output");

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return "number" in cell.dataset ? (cell.dataset.number === "" ? null : Number(cell.dataset.number)) : cell.textContent.trim();
  };
  const compare = (a, b, down) => {
    if (a === null || b === null) return (a === null) - (b === null); // what is missing comes last
    const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
    return down ? -order : order;
  };
  const sort = (heading) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const column = heading.cellIndex;
    body.append(...rows.sort((a, b) => compare(keyOf(a, column), keyOf(b, column), down)));
  };
  const filter = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const kept = ["arm", "task", "regime", "level", "metric"].every((name) => !wanted[name] || row.dataset[name] === wanted[name]);
      const main = wanted.metric || !wanted.main || "main" in row.dataset;
      row.hidden = !(kept && main && words.every((word) => text.includes(word)));
    }
    shown.value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  };
  table.tHead.addEventListener("click", (event) => event.target.closest("button") && sort(event.target.closest("th")));
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
}
