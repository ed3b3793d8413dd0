// In the place of start.js: opens the page, does what a user does, and posts what is seen.
const errors = [];
const complain = console.error;
console.error = (...words) => { errors.push(words.join(" ")); complain(...words); };
addEventListener("error", event => errors.push(String(event.message)));
addEventListener("unhandledrejection", event => errors.push(String(event.reason)));
addEventListener("securitypolicyviolation", event => errors.push(`blocked: ${event.blockedURI}`));

const post = (path, value) => fetch(path, { method: "POST", body: JSON.stringify(value) });
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
const answer = () => ({ class: page.class(), probability: page.probability(), map: Array.from(page.map()) });
const words = () => document.querySelector("#words h1")?.parentNode.textContent;

async function until(what, condition) {
  while (!condition()) {
    if (words()) throw new Error(words());
    if (window.page?.message()) throw new Error(`${what}: ${page.message()}`);
    await pause(50);
  }
}

// A page that works, photos on it, and a device that goes away.
async function look() {
  let device;
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...wanted) {
    device = await request.apply(this, wanted);
    return device;
  };
  const bytes = async name => new Uint8Array(await (await fetch(name)).arrayBuffer());
  const [other, sample] = [await bytes("other.jpg"), await bytes("panda_macaw.jpg")];
  await import("./start.js");
  await until("the start", () => window.page);
  await post("/started", null);
  await until("the sample", () => page.is_settled() && page.map());
  await post("/sample", answer());

  const transfer = new DataTransfer();
  transfer.items.add(new File([other], "other.jpg", { type: "image/jpeg" }));
  const before = page.class();
  const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.getElementById("viewer").dispatchEvent(drop);
  await until("the drop", () => page.is_settled() && page.class() !== undefined && page.class() !== before);
  await post("/dropped", answer());

  const choice = new DataTransfer();
  choice.items.add(new File([sample], "sample.jpg", { type: "image/jpeg" }));
  const files = document.getElementById("files");
  files.files = choice.files;
  files.dispatchEvent(new Event("change"));
  await until("the choice", () => page.is_settled() && page.class() === before);
  await post("/chosen", answer());

  device.destroy();
  while (!page.message()) await pause(50);
  await post("/lost", page.message());
  const foreign = performance.getEntriesByType("resource").map(entry => entry.name);
  errors.push(...foreign.filter(name => !name.startsWith(location.origin)));
}

// A browser that lacks something: what the page says then.
async function lack(what) {
  if (what === "webgpu") delete Navigator.prototype.gpu;
  if (what === "adapter") GPU.prototype.requestAdapter = async () => null;
  await import("./start.js");
  while (!words()) await pause(50);
  await post("/said", words());
}

const lacking = new URLSearchParams(location.search).get("without");
try {
  await (lacking ? lack(lacking) : look());
} catch (error) {
  errors.push(String(error));
}
await post("/end", errors);
