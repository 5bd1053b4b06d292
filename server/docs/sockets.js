// Shows /asyncapi.json: the channels, what each one says, and how it ends.
const element = (name, text, ...children) => {
  const node = document.createElement(name);
  if (text !== null) node.textContent = text;
  node.append(...children);
  return node;
};
const folded = (title, value) =>
  element(
    'details',
    null,
    element('summary', title),
    element('pre', JSON.stringify(value, null, 2)),
  );
const row = (cell, ...texts) => element('tr', null, ...texts.map((text) => element(cell, text)));

const show = (document_) => {
  const main = document.getElementById('sockets');
  main.replaceChildren(
    element('h1', `${document_.info.title} sockets`),
    element('p', document_.info.description),
  );
  for (const { address, summary, messages, bindings } of Object.values(document_.channels)) {
    main.append(
      element('h2', address),
      element('p', summary),
      folded('query', bindings.ws.query.properties),
    );
    for (const key of Object.keys(messages))
      main.append(
        folded(document_.components.messages[key].name, document_.components.messages[key].payload),
      );
  }
  const codes = Object.entries(document_['x-close-codes']).map(([code, { meaning, client }]) =>
    row('td', code, meaning, client),
  );
  main.append(
    element('h2', 'Close codes'),
    element('table', null, row('th', 'code', 'meaning', 'the client then'), ...codes),
  );
  main.append(
    element('h2', 'Schemas'),
    ...Object.entries(document_.components.schemas).map(([name, schema]) => folded(name, schema)),
  );
};

fetch('/asyncapi.json')
  .then((answer) => answer.json())
  .then(show)
  .catch((error) =>
    document
      .getElementById('sockets')
      .replaceChildren(element('p', `The document could not be read: ${error.message}`)),
  );
