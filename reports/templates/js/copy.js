// Text that is copied, or kept as a file.
(() => {
  const say = (id, words) => {
    document.querySelector(`[data-copied="${id}"]`).textContent = words;
  };
  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  // A page from a file may have no clipboard: then its text is selected, and copied the old way.
  const copy = async (id) => {
    const element = document.getElementById(id);
    try {
      await navigator.clipboard.writeText(element.textContent);
      say(id, "Copied.");
    } catch {
      select(element);
      say(id, document.execCommand("copy") ? "Copied." : "Selected: copy it with Ctrl+C or ⌘C.");
    }
  };
  const save = (id, name) => {
    const link = document.createElement("a");
    const text = document.getElementById(id).textContent;
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button.dataset.copy));
  }
  for (const button of document.querySelectorAll("[data-save]")) {
    button.hidden = false;
    button.addEventListener("click", () => save(button.dataset.save, button.dataset.name));
  }
})();
