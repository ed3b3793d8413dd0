// Starts the viewer, or says why it cannot run here.
import init, { Page } from "./agf_viewer.js";

const words = document.getElementById("words");
const canvas = document.getElementById("viewer");

// The viewer's button opens the browser's dialog; what is chosen there is dropped on the canvas.
const files = document.getElementById("files");
window.choosePhotos = () => files.click();
files.addEventListener("change", () => {
  const dataTransfer = new DataTransfer();
  for (const file of files.files) dataTransfer.items.add(file);
  files.value = "";
  canvas.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
});

function say(title, text) {
  canvas.hidden = true;
  words.replaceChildren();
  for (const [kind, content] of [["h1", title], ["p", text]]) {
    const element = document.createElement(kind);
    element.textContent = content;
    words.append(element);
  }
  document.body.append(words);
}

async function start() {
  if (!("gpu" in navigator)) {
    say("This browser has no WebGPU",
        "The viewer computes on your graphics card through WebGPU. Current versions of Chrome, Edge, Safari and "
        + "Firefox have it, on pages from https or from this machine.");
    return;
  }
  try {
    await init({ module_or_path: "agf_viewer_bg.wasm" });
    canvas.hidden = false;
    const sample = await (await fetch("panda_macaw.jpg")).arrayBuffer();
    window.page = await Page.start(canvas);
    window.page.open("panda_macaw.jpg", new Uint8Array(sample));
    words.remove();
    addEventListener("error", event => say("The viewer has stopped", `${event.message}. Load the page again.`));
  } catch (error) {
    say("The viewer cannot start",
        `${error}. It needs WebGPU: the browser has it, but may have switched it off for this graphics card or `
        + "driver.");
  }
}

start();
