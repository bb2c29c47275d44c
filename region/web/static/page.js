// Shown times: <time datetime="…Z" data-local> in the reader's own zone, and again in whatever is swapped in later.
const language = document.documentElement.lang;
const format = new Intl.DateTimeFormat(language === "da" ? "da-DK" : "en-GB", { dateStyle: "medium", timeStyle: "short" });

function showTimes(root) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const at = new Date(element.dateTime);
    if (!Number.isNaN(at.getTime())) element.textContent = format.format(at);
  }
}

showTimes(document);
document.addEventListener("htmx:after:swap", () => showTimes(document));

// The session is over, and so is what stands here. Not at once: where this page's own button has signed out, its answer
// is on the way.
document.addEventListener("signed_out", () => setTimeout(() => window.location.reload(), 500));
