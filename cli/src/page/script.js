for (const input of document.querySelectorAll(".input")) {
  const photo = input.querySelector(".photo img").src;
  for (const stack of input.querySelectorAll(".stack")) stack.style.backgroundImage = `url("${photo}")`;
}
addEventListener("input", event => {
  const { id, value } = event.target;
  const maps = id === "all" ? document.querySelectorAll(".map") : [event.target.closest(".map")];
  for (const map of maps) {
    map.style.setProperty("--wipe", `${value}%`);
    map.querySelector("input").value = value;
  }
});
