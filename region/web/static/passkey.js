// A form with data-passkey ("make" or "use") is shown where the browser has passkeys: it is asked for one, and what it
// answers goes with the form. data-options is what it is asked, data-failed what is said when nothing came of it.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const told = form.querySelector("[role=alert]");
    told.hidden = true;
    try {
      form.elements.answer.value = JSON.stringify((await ask(form.dataset.passkey, JSON.parse(form.dataset.options))).toJSON());
      form.submit();
    } catch {
      told.textContent = form.dataset.failed;
      told.hidden = false;
    }
  });
}

function ask(what, options) {
  return what === "make"
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}
