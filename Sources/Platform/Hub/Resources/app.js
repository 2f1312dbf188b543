// Small comforts over pages that work without them: keys, local times, live parts.
const byId = id => document.getElementById(id);
const typing = e => /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) || e.target.isContentEditable;

// Times in the reader's own zone; the exact moment stays as title.
const localTimes = root => {
  for (const t of root.querySelectorAll('time[datetime]')) {
    const at = new Date(t.dateTime);
    if (isNaN(at)) continue;
    t.title = t.dateTime;
    t.textContent = at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  }
};
localTimes(document);

// Keys.
const places = { h: '/', f: '/fleet', i: '/findings', w: '/workloads', v: '/vulnerabilities', n: '/network',
  u: '/identities', p: '/paths', a: '/alerts', c: '/compliance', s: '/settings' };
let prefix = false;
let selected = -1;
const rows = () => [...document.querySelectorAll('tbody tr')].filter(r => r.querySelector('a'));
const select = to => {
  const all = rows();
  if (!all.length) return;
  selected = Math.max(0, Math.min(all.length - 1, to));
  all.forEach((r, i) => r.setAttribute('aria-selected', i === selected));
  all[selected].querySelector('a').focus();
  all[selected].scrollIntoView({ block: 'nearest' });
};
document.addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
  if (prefix) {
    prefix = false;
    if (places[e.key]) { e.preventDefault(); location.href = places[e.key]; }
    return;
  }
  switch (e.key) {
  case '/': e.preventDefault(); byId('search')?.focus(); break;
  case '?': e.preventDefault(); byId('keys')?.showModal(); break;
  case 'g': prefix = true; setTimeout(() => { prefix = false; }, 1500); break;
  case 'j': e.preventDefault(); select(selected + 1); break;
  case 'k': e.preventDefault(); select(selected - 1); break;
  case 'a': {
    const button = rows()[selected]?.querySelector('form.triage button');
    if (button) { e.preventDefault(); button.click(); }
    break;
  }
  }
});
for (const b of document.querySelectorAll('[data-close]')) b.addEventListener('click', () => byId('keys').close());
byId('show-keys')?.addEventListener('click', () => byId('keys').showModal());

// Filters send themselves when something is chosen.
for (const s of document.querySelectorAll('form.filters select')) s.addEventListener('change', () => s.form.requestSubmit());

// Live parts: when something has happened, the page is asked for again and its live parts are put in place.
const live = document.querySelector('[data-live]');
if (live && 'EventSource' in window) {
  const state = byId('live-state');
  let timer = 0;
  const refresh = async () => {
    timer = 0;
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of document.querySelectorAll('[data-live]')) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
        part.replaceChildren(...fresh.childNodes);
        localTimes(part);
      }
    }
  };
  const source = new EventSource('/api/v1/stream');
  const soon = () => { timer ||= setTimeout(refresh, 700); };
  source.onmessage = soon;
  for (const kind of ['finding.new', 'finding.fixed', 'finding.reopened', 'finding.changed', 'cluster.changed',
    'alert.firing', 'alert.resolved', 'event.new', 'missed']) source.addEventListener(kind, soon);
  source.onopen = () => { if (state) state.textContent = 'live'; };
  source.onerror = () => { if (state) state.textContent = 'not live: trying again'; };
}
