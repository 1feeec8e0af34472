// The reward of every step over time, with its terms, and a cursor at the time that is shown.
// Clicks and drags on it call `seek` with a time. Lines differ in colour and in dashes; the colours
// are Okabe and Ito's, which colour-blind people can tell apart.
function createCurve(canvas, legend, episode, seek) {
  const COLOURS = {
    light: ['#0072b2', '#c05000', '#00805c', '#b2558c', '#9a6a00', '#2b87bb', '#6a5acd', '#555555'],
    dark: ['#56b4e9', '#f0893a', '#2fc49a', '#e29cc5', '#e6b422', '#8ecdf0', '#a99df5', '#aaaaaa'],
  };
  const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
  const MARGIN = {left: 46, right: 8, top: 8, bottom: 22};
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const still = document.createElement('canvas');  // all but the cursor
  let stale = true, time = episode.begin;
  let width = 0, height = 0, ratio = 1, low = 0, high = 1;

  // one line a term, and their sum; a single term is the sum
  const lines = [{name: 'reward', at: episode.reward, shown: true}];
  if (episode.terms.length > 1)
    episode.terms.forEach((name, k) => lines.push({name, at: (s) => episode.term(s, k), shown: true}));

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (i) => i === 0 ? css('--ink') : COLOURS[dark.matches ? 'dark' : 'light'][(i - 1) % 8];
  const dash = (i) => i === 0 ? [] : DASHES[(i - 1) % 4];
  const span = episode.end - episode.begin || 1;
  const x = (t) => MARGIN.left + (t - episode.begin) / span * (width - MARGIN.left - MARGIN.right);
  const y = (r) => MARGIN.top + (high - r) / (high - low) * (height - MARGIN.top - MARGIN.bottom);

  // A round distance between ticks, some `n` of them over a range.
  function tick(range, n) {
    const power = Math.pow(10, Math.floor(Math.log10(range / n)));
    return [1, 2, 5, 10].map((f) => f * power).find((d) => range / d <= n * 1.01) || range;
  }
  const decimals = (d) => Math.min(Math.max(0, -Math.floor(Math.log10(d) + 1e-9)), 6);

  function measure() {
    low = 0, high = 0;
    for (const line of lines.filter((l) => l.shown))
      for (let s = episode.first; s < episode.last; s++) {
        const r = line.at(s);
        if (r < low) low = r;
        if (r > high) high = r;
      }
    if (high - low < 1e-9) high = low + 1;
    const pad = 0.04 * (high - low);
    high += pad;
    if (low < 0) low -= pad;
  }

  function drawAxes(c) {
    const label = (text, tx, ty, align) => {
      c.textAlign = align;
      c.fillText(text, tx, ty);
    };
    c.font = '12px system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif';
    c.fillStyle = css('--quiet');
    c.strokeStyle = css('--line');
    c.lineWidth = 1;
    const dy = tick(high - low, 5), dx = tick(span, Math.max(2, width / 80));
    c.textBaseline = 'middle';
    for (let r = Math.ceil(low / dy) * dy; r <= high; r += dy) {
      c.beginPath();
      c.moveTo(MARGIN.left, Math.round(y(r)) + 0.5);
      c.lineTo(width - MARGIN.right, Math.round(y(r)) + 0.5);
      c.stroke();
      label((Math.abs(r) < dy / 2 ? 0 : r).toFixed(decimals(dy)), MARGIN.left - 6, y(r), 'right');
    }
    c.textBaseline = 'alphabetic';
    for (let t = Math.ceil(episode.begin / dx - 1e-9) * dx; t <= episode.end + 1e-9; t += dx)
      label(t.toFixed(decimals(dx)), Math.min(x(t), width - MARGIN.right - 8), height - 5, 'center');
  }

  function drawPushes(c) {
    c.fillStyle = css('--push');
    for (const push of episode.pushes) {
      const from = x(Math.max(push.begin, episode.begin)), to = x(Math.min(push.end, episode.end));
      c.globalAlpha = 0.22;
      c.fillRect(from, MARGIN.top, Math.max(to - from, 2), height - MARGIN.top - MARGIN.bottom);
    }
    c.globalAlpha = 1;
  }

  function drawLines(c) {
    c.lineJoin = 'round';
    const dense = episode.last - episode.first > 2 * width;
    for (let i = 0; i < lines.length; i++) {  // the reward, the widest, below its terms
      if (!lines[i].shown) continue;
      c.strokeStyle = colour(i);
      c.lineWidth = dense ? 1 : i === 0 ? 2.5 : 1.25;
      c.setLineDash(dash(i));
      c.beginPath();
      for (let s = episode.first; s < episode.last; s++)
        c.lineTo(x((s + 1) * episode.seconds), y(lines[i].at(s)));
      c.stroke();
    }
    c.setLineDash([]);
  }

  function drawStill() {
    stale = false;
    ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    for (const each of [canvas, still]) {
      each.width = Math.max(1, Math.round(width * ratio));
      each.height = Math.max(1, Math.round(height * ratio));
    }
    const c = still.getContext('2d');
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    measure();
    drawAxes(c);
    drawPushes(c);
    drawLines(c);
    drawLegend();
  }

  function drawLegend() {
    legend.querySelectorAll('line').forEach((line, i) => {
      line.setAttribute('stroke', colour(i));
      line.setAttribute('stroke-dasharray', dash(i).join(' '));
    });
  }

  function format(r) {
    if (r === undefined) return '–';
    const size = Math.abs(r);
    if (size > 0 && size < 1e-4) return r.toExponential(1);
    return r.toFixed(size >= 1000 ? 0 : size >= 10 ? 2 : size >= 0.01 || size === 0 ? 3 : 5);
  }

  function draw(t) {
    time = t;
    if (stale) drawStill();
    const c = canvas.getContext('2d');
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, canvas.width, canvas.height);
    c.drawImage(still, 0, 0);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.strokeStyle = css('--accent');
    c.fillStyle = css('--accent');
    c.lineWidth = 1.5;
    c.beginPath();
    c.moveTo(x(t), MARGIN.top);
    c.lineTo(x(t), height - MARGIN.bottom);
    c.stroke();

    // the step that led to the time shown
    const s = Math.min(Math.floor(t / episode.seconds + 1e-6), episode.last) - 1;
    const known = s >= episode.first;
    if (known && lines[0].shown) {
      c.beginPath();
      c.arc(x((s + 1) * episode.seconds), y(episode.reward(s)), 3.5, 0, 2 * Math.PI);
      c.fill();
    }
    legend.querySelectorAll('output').forEach((out, i) => {
      out.textContent = format(known ? lines[i].at(s) : undefined);
    });
  }

  function renew() {
    stale = true;
    draw(time);
  }

  lines.forEach((line) => {
    const item = document.createElement('li');
    item.innerHTML = '<button type="button" aria-pressed="true" title="Show or hide"><svg viewBox="0 0 26 10">' +
        '<line x1="2" y1="5" x2="24" y2="5"/></svg><span></span><output></output></button>';
    item.querySelector('span').textContent = line.name;
    const button = item.firstChild;
    button.addEventListener('click', () => {
      line.shown = !line.shown;
      button.setAttribute('aria-pressed', String(line.shown));
      renew();
    });
    legend.appendChild(item);
  });

  function seekTo(event) {
    const part = (event.clientX - canvas.getBoundingClientRect().left - MARGIN.left) /
        (width - MARGIN.left - MARGIN.right);
    seek(episode.begin + Math.min(Math.max(part, 0), 1) * span);
  }
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    seekTo(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) seekTo(event);
  });
  dark.addEventListener('change', renew);
  new ResizeObserver(renew).observe(canvas);
  return {draw};
}
