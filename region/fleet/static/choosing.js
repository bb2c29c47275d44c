// While stations are being chosen the list stands still: what is ticked must not be swapped away under the hand.
document.addEventListener("htmx:before:request", (event) => {
  if (event.target.id === "fleet" && event.target.querySelector("input:checked")) event.preventDefault();
});
