// Each page of the application has cursors of its own: /, /settings, and so on.
const page = location.pathname.slice(1).replaceAll("/", "-") || "home";
document.querySelector("output").textContent = page;

const socket = new WebSocket(`${location.origin.replace("http", "ws")}/cursors/${page}`);
const own = crypto.randomUUID();
const cursors = new Map();

socket.addEventListener("message", ({ data }) => {
  const { id, x, y } = JSON.parse(data);
  if (!cursors.has(id)) {
    const cursor = document.body.appendChild(document.createElement("div"));
    cursor.className = "cursor";
    cursors.set(id, cursor);
  }
  cursors.get(id).animate({ left: `${x}px`, top: `${y}px` }, { duration: 50, fill: "forwards" });
});

let last = 0;
addEventListener("pointermove", ({ clientX: x, clientY: y, timeStamp }) => {
  if (socket.readyState !== WebSocket.OPEN || timeStamp - last < 30) return;
  last = timeStamp;
  socket.send(JSON.stringify({ id: own, x, y }));
});
