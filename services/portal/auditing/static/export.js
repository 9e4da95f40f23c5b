// Loads an export piece by piece, so that it can be seen to advance and be stopped. Without it the form's link does the same.
const form = document.querySelector("[data-export]");
const BIG = 20000; // cases: from here on the file is written to the disk as it comes, where the browser can do that

if (form && window.ReadableStream && window.AbortController) {
  const said = form.querySelector("[data-said]");
  const bar = form.querySelector("progress");
  const cancel = form.querySelector("[data-cancel]");
  const button = form.querySelector("button[type=submit]");
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const words = (name, values = {}) => said.dataset[name].replace(/\{(\w+)\}/g, (_, key) => number.format(values[key]));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const stop = new AbortController();
    const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    cancel.onclick = () => stop.abort();
    cancel.hidden = false;
    button.disabled = true;
    said.textContent = words("starting");
    try {
      const target = Number(form.dataset.total) > BIG && window.showSaveFilePicker ? await picked() : null;
      said.textContent = await load(url, stop, target);
    } catch (error) {
      said.textContent = words(error.name === "AbortError" ? "cancelled" : error.name === "Refused" ? "refused" : "cut");
    }
    form.querySelector("[data-progress]").hidden = true;
    cancel.hidden = true;
    button.disabled = false;
    button.focus();
  });

  async function picked() {
    const lines = form.elements.lines.value, format = form.elements.format.value;
    const file = await window.showSaveFilePicker({ suggestedName: `jejak-${lines}.${format}` });
    return file.createWritable();
  }

  async function load(url, stop, target) {
    const answer = await fetch(url, { signal: stop.signal });
    if (!answer.ok || !answer.headers.has("X-Total")) throw Object.assign(new Error("refused"), { name: "Refused" });
    const total = Number(answer.headers.get("X-Total"));
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "jejak";
    const count = counting();
    const pieces = [];
    bar.max = Math.max(total, 1);
    form.querySelector("[data-progress]").hidden = false;
    const reader = answer.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (target) await target.write(value); else pieces.push(value);
        count.take(value);
        bar.value = Math.min(count.cases, total);
        said.textContent = words("going", { done: count.cases, total });
      }
    } catch (error) {
      await target?.abort();
      throw error;
    }
    if (target) await target.close(); else keep(new Blob(pieces, { type: answer.headers.get("Content-Type") }), name);
    return words("done", { done: count.cases, lines: count.lines });
  }

  // lines, and how many cases they are of: a line begins with its number, and the lines of a case follow each other
  function counting() {
    const decoder = new TextDecoder();
    let rest = "", last = "";
    return {
      cases: 0, lines: 0,
      take(piece) {
        const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
        rest = lines.pop();
        for (const line of lines) {
          const found = /^(?:\{"number":")?([^",]+)[",]/.exec(line);
          if (!found || found[1] === "number") continue; // the head of a CSV
          this.lines += 1;
          if (found[1] !== last) { this.cases += 1; last = found[1]; }
        }
      },
    };
  }

  function keep(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }
}
