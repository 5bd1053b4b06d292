// The status page: asks REST for the state, and the stream for when to ask again. No build, no framework.
const byId = (id) => document.getElementById(id);
const element = (tag, text, attributes = {}) => {
  const made = document.createElement(tag);
  if (text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};
const tones = {
  ...{ DONE: 'good', FAILED: 'bad', STOPPED: 'wait', STOPPING: 'wait', RETRYING: 'wait', QUEUED: 'wait', STARTING: 'live' },
  ...{ succeeded: 'good', skipped: 'good', failed: 'bad', stopped: 'wait', retrying: 'wait', running: 'live', lost: 'wait' },
  ...{ refused: 'bad', recovered: 'good', warning: 'wait', error: 'bad' },
};
const toneOf = (word) => tones[word] ?? (word.startsWith('RUNNING_') ? 'live' : '');
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const took = (ms) =>
  ms < 1000
    ? `${ms} ms`
    : ms < 60_000
      ? `${(ms / 1000).toFixed(1)} s`
      : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
const count = new Intl.NumberFormat();
const few = (values) =>
  Object.entries(values)
    .filter(([, value]) => typeof value !== 'object')
    .slice(0, 4)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? count.format(value) : value}`)
    .join(' · ');

let chosen = new URLSearchParams(location.search).get('pipeline');
let pipelines = [];
let events = [];

const ask = async (path, options) => {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.detail ?? response.statusText), { problem: body });
  return body;
};

const showStages = ({ stages, progress, stage }) => {
  byId('stages').replaceChildren(
    ...stages.map((one) => {
      const item = element('li', null, { 'data-tone': toneOf(one.state) });
      if (one.state === 'running') item.dataset.live = '';
      item.append(element('strong', one.name), element('span', one.state, { class: 'word' }));
      const more = [];
      if (one.attempt > 0) more.push(`attempt ${one.attempt} of ${one.max_attempts}`);
      if (one.duration_ms !== null) more.push(took(one.duration_ms));
      if (more.length > 0) item.append(element('span', more.join(' · ')));
      if (one.state === 'running' && one.name === stage && progress) {
        if (progress.total)
          item.append(
            element('progress', null, { value: progress.done ?? 0, max: progress.total, 'aria-label': `progress of ${one.name}` }),
          );
        item.append(
          element(
            'span',
            [progress.total ? `${progress.done ?? 0} of ${progress.total} ${progress.unit ?? ''}` : '', progress.note ?? '']
              .join(' ')
              .trim(),
          ),
        );
      }
      if (one.reason) item.append(element('span', one.reason));
      const figures = few(one.metrics);
      if (figures) item.append(element('span', figures));
      return item;
    }),
  );
};

const show = (status) => {
  byId('state').textContent = status.state.replaceAll('_', ' ');
  byId('state').dataset.tone = toneOf(status.state);
  byId('title').textContent = status.number === null ? status.pipeline : `${status.pipeline} · run ${status.number}`;
  byId('why').textContent = status.run_id === null && status.last_run_id === null ? 'Nothing ever ran. Press Start.' : status.why;
  document.title = `${status.state} · ${status.pipeline} · Stagewright`;
  byId('stop').disabled = !status.allowed.includes('STOP');
  byId('start').disabled = status.canonical === 'running';
  showStages(status);
  const { error } = status;
  byId('error').hidden = !error;
  if (error) {
    byId('error').children[0].textContent = `${error.code}${error.stage ? ` in ${error.stage}, attempt ${error.attempt}` : ''}`;
    byId('error').children[1].textContent = error.message;
    byId('error').children[2].textContent = error.stderr_tail ?? '';
  }
  const facts = {
    Run: status.run_id,
    Outcome: status.outcome,
    Started: status.started_at && clock.format(new Date(status.started_at)),
    Took: status.duration_ms === null ? null : took(status.duration_ms),
    Trigger: status.trigger,
    Retries: status.retry_count || null,
    Lock: status.lock?.key,
  };
  byId('facts').replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => {
      if (value === null || value === undefined) return [];
      const pair = element('div', null);
      pair.append(element('dt', name), element('dd', String(value)));
      return [pair];
    }),
  );
};

const showEvents = () => {
  // What only a debugger wants to know is in the journal.
  const rows = events
    .filter(({ severity }) => severity !== 'debug')
    .filter(({ pipeline }) => pipeline === null || pipeline === chosen)
    .slice(-40)
    .reverse();
  byId('events').replaceChildren(
    ...rows.map(({ timestamp, stage, event, msg }) => {
      const row = element('tr', null);
      row.append(
        element('td', clock.format(new Date(timestamp))),
        element('td', stage),
        element('td', event, { 'data-tone': toneOf(event) }),
        element('td', msg),
      );
      return row;
    }),
  );
  if (rows.length === 0) {
    const row = element('tr', null);
    row.append(element('td', 'No events yet.', { colspan: 4 }));
    byId('events').append(row);
  }
};

const showPipelines = ({ items, problems }) => {
  pipelines = items;
  chosen ??= items.find((one) => one.default)?.name ?? null;
  byId('pipelines').replaceChildren(
    ...items.map(({ name, title }) => {
      const button = element('button', title, { type: 'button', 'aria-current': String(name === chosen) });
      button.addEventListener('click', () => {
        chosen = name;
        history.replaceState(null, '', `?pipeline=${encodeURIComponent(name)}`);
        byId('refusal').hidden = true;
        void refresh();
      });
      return button;
    }),
  );
  byId('notices').replaceChildren(
    ...problems.map(({ file, line, pointer, detail }) =>
      element('p', `${file}${line ? `, line ${line}` : ''}${pointer ? ` (${pointer})` : ''}: ${detail}`),
    ),
  );
  if (items.length === 0)
    byId('notices').append(element('p', 'No pipeline is loaded. Put a file into the pipelines folder and start the service again.'));
};

/** One read at a time; a burst of events is one more read. */
let reading = false;
let again = false;
const refresh = async () => {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    showPipelines(await ask('/api/pipelines'));
    const one = pipelines.find(({ name }) => name === chosen);
    if (one) show(one.status);
    showEvents();
  } catch (error) {
    byId('why').textContent = error.message;
  }
  reading = false;
  if (again) {
    again = false;
    setTimeout(refresh, 50);
  }
};

const command = async (path) => {
  byId('refusal').hidden = true;
  try {
    await ask(`${path}?pipeline=${encodeURIComponent(chosen)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
    });
  } catch (error) {
    byId('refusal').textContent = `Refused: ${error.message}`;
    byId('refusal').hidden = false;
  }
  void refresh();
};
byId('start').addEventListener('click', () => command('/api/pipeline/start'));
byId('stop').addEventListener('click', () => command('/api/pipeline/stop'));

let tries = 0;
const connect = () => {
  const socket = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}/ws/events`);
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(data);
    tries = 0;
    byId('connection').textContent = 'live';
    if (frame.type === 'snapshot') events = frame.data.recent_events;
    if (frame.type === 'event') events = [...events.slice(-199), frame];
    void refresh();
  });
  socket.addEventListener('close', () => {
    byId('connection').textContent = 'not connected; what you see may be old';
    setTimeout(connect, Math.random() * Math.min(30_000, 500 * 2 ** tries));
    tries += 1;
  });
};
void refresh();
connect();
// Progress of a working stage is no event.
setInterval(() => document.visibilityState === 'visible' && byId('state').dataset.tone === 'live' && void refresh(), 1000);
