// The reader's actions: adding pictures, and the page's controls.
'use strict';

function addFiles(files) {
  const pictures = [...files].filter((file) => file.type.startsWith('image/') || file.type === '');
  if (pictures.length === 0) return;
  addTiles(pictures.map((file, i) => ({
    name: file.name || `pasted ${i + 1}`, url: URL.createObjectURL(file), bytes: () => file.arrayBuffer(),
  })));
}

const fetched = new Map();          // sample → its bytes, fetched once however often they are sent
function sample(name) {
  const url = new URL(`/samples/${name}`, location.href).href;
  const bytes = () => {
    if (!fetched.has(name)) {
      const coming = fetch(url).then((reply) => (reply.ok ? reply.arrayBuffer() : Promise.reject(reply.status)));
      coming.catch(() => fetched.delete(name));
      fetched.set(name, coming);
    }
    return fetched.get(name);
  };
  return { name, url, bytes };
}

function choices(id, name, options, chosen) {
  $(id).append(...Object.entries(options).map(([value, words]) => {
    const option = document.createElement('label'), input = document.createElement('input'), text = document.createElement('span');
    Object.assign(input, { type: 'radio', name, value, checked: value === chosen });
    text.textContent = words;
    option.append(input, text);
    return option;
  }));
}
choices('results', 'result', RESULTS, 'mix');
choices('zooms', 'zoom', ZOOMS, 'mix');
choices('amounts', 'amount', AMOUNTS, '120');

$('thumbs').append(...SAMPLES.map((name) => {
  const button = document.createElement('button'), image = new Image();
  button.type = 'button';
  button.title = image.alt = `Send ${name}`;
  button.onclick = () => addTiles([sample(name)]);
  image.onerror = () => button.remove();
  image.src = `/samples/${name}`;
  button.append(image);
  return button;
}));

$('choose').onclick = () => $('file').click();
$('file').onchange = () => { addFiles($('file').files); $('file').value = ''; };
$('samples').onclick = () => {
  const amount = Number(new FormData(document.forms[0]).get('amount'));
  addTiles(Array.from({ length: amount }, (_, i) => sample(SAMPLES[(i * 5 + Math.floor(i / SAMPLES.length)) % SAMPLES.length])));
};
document.forms[0].onsubmit = () => false; // Enter in a choice is not a reload
$('clear').onclick = clear;
$('reconnect').onclick = connect;
addEventListener('paste', ({ clipboardData }) => addFiles(clipboardData?.files ?? []));
let dragTimer = 0;                  // dragleave also fires between elements, so the end of dragover is what counts
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
  clearTimeout(dragTimer);
  dragTimer = setTimeout(() => document.body.classList.remove('dragging'), 150);
});
addEventListener('drop', (event) => { event.preventDefault(); addFiles(event.dataTransfer?.files ?? []); });
$('map').onpointerdown = (event) => { $('map').setPointerCapture(event.pointerId); scrollByMap(event); };
$('map').onpointermove = scrollByMap;
addEventListener('scroll', viewportMoved, { passive: true });
addEventListener('resize', viewportMoved);
addEventListener('online', connect);
new ResizeObserver(() => { measure(); viewportMoved(); }).observe($('tiles'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
connect();
