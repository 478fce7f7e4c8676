// The page of a room: /rooms/den?name=anna is the room "den", and its reader is called "anna".

const room = decodeURIComponent(location.pathname.split('/').filter(Boolean).pop() ?? '') || 'lobby';
const name = new URLSearchParams(location.search).get('name') || 'guest';
const element = (id) => document.getElementById(id);

element('room').textContent = room;

function show(kind, text, from) {
  const line = document.createElement('li');
  line.className = kind;
  if (from) {
    const who = document.createElement('b');
    who.textContent = from;
    line.append(who);
  }
  line.append(text);
  element('said').append(line);
  line.scrollIntoView();
}

function take(message) {
  if ('here' in message) element('here').textContent = `${message.here} here`;
  if ('joined' in message) show('event', `${message.joined} has come`);
  if ('left' in message) show('event', `${message.left} has left`);
  if ('text' in message) show('message', message.text, message.from);
  if ('error' in message) show('event', message.error);
}

let socket;

function connect() {
  const address = new URL(`/chat/${encodeURIComponent(room)}`, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  address.searchParams.set('name', name);
  socket = new WebSocket(address);
  socket.onmessage = ({ data }) => take(JSON.parse(data));
  socket.onclose = () => {
    element('here').textContent = 'connecting…';
    setTimeout(connect, 1000);
  };
}

element('speak').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = element('text').value.trim();
  if (!text || socket.readyState !== WebSocket.OPEN) return;
  socket.send(text);
  element('text').value = '';
});

connect();
