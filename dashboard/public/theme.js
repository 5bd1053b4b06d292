// Before the first paint, so that a chosen theme does not flash the other one. A file of its own: the CSP allows no inline script.
const chosen = localStorage.getItem('stagewright.theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
