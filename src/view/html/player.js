// Time and controls. Nothing is drawn while nothing changes. `window.tendril` is for scripts and
// tests: the state, and the same commands as the keys.
(function () {
  const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
  const FAR = 0.2;  // s of a far step
  const ENDINGS = {
    terminated: 'Terminated: the task ended',
    truncated: 'The time limit ran out',
    diverged: 'Diverged: the simulation became unstable',
    '': 'The recording ends',
  };
  const $ = (id) => document.getElementById(id);
  const episode = readEpisode($('episode').textContent);
  const {seconds, first, last} = episode;
  const scrub = $('scrub');
  let time = episode.begin, playing = false, speed = 1, due = 0, before = 0;

  const stepAt = (t) => Math.min(Math.max(Math.floor(t / seconds + 1e-6), first), last);
  const clamp = (t) => Math.min(Math.max(t, episode.begin), episode.end);

  // ---------------------------------------------------------------------------------- drawing

  let scene = null;
  try {
    scene = createScene($('view'), $('labels'), episode, request);
  } catch (error) {
    $('notice').hidden = false;
    $('notice').textContent = 'The robot can’t be shown: this browser has no WebGL, or it is switched off. ' +
        'The numbers and the curve still work.';
    $('looks').hidden = true;
    console.warn(error);
  }
  const curve = createCurve($('curve'), $('legend'), episode, (t) => seek(Math.round(t / seconds)));

  function show() {
    const step = stepAt(time);
    $('time').textContent = time.toFixed(seconds < 0.01 ? 3 : 2);
    $('step').textContent = step;
    $('reward').textContent = step > first ? episode.reward(step - 1).toFixed(3) : '–';
    const sum = episode.returnAt(step);
    $('return').textContent = sum.toFixed(Math.abs(sum) < 1000 ? 2 : 1);
    scrub.value = step;
    scrub.style.setProperty('--done', `${last > first ? (step - first) / (last - first) * 100 : 100}%`);
    scrub.setAttribute('aria-valuetext', `step ${step}, ${time.toFixed(2)} seconds`);
    $('ending').hidden = step < last;
    document.body.classList.toggle('playing', playing);
    $('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
    curve.draw(time);
    if (scene) scene.draw(time);
  }

  // A machine that has no graphics card draws less rather than one picture a second.
  let slow = 0, adaptive = true;
  function adapt(passed) {
    slow = 0.8 * slow + 0.2 * passed;
    if (!scene || !adaptive || slow < 70 || scene.quality === 2) return;
    scene.quality++;
    slow = 0;
  }

  function tick(now) {
    due = 0;
    if (playing) {
      // a page that was hidden goes on where it was
      const passed = Math.min(now - before, 1000);
      time = clamp(time + passed / 1000 * speed);
      before = now;
      adapt(passed);
      if (time >= episode.end) playing = false;
    }
    show();
    if (playing) request();
  }
  function request() {
    if (!due) due = requestAnimationFrame(tick);
  }

  // ---------------------------------------------------------------------------------- commands

  function play() {
    if (time >= episode.end) time = episode.begin;
    playing = true;
    before = performance.now();
    request();
  }
  function pause() {
    playing = false;
    request();
  }
  function seek(step) {
    playing = false;
    time = clamp(step * seconds);
    request();
  }
  function setSpeed(value) {
    speed = value;
    $('speed').value = String(value);
  }
  function change(by) {
    setSpeed(SPEEDS[Math.min(Math.max(SPEEDS.indexOf(speed) + by, 0), SPEEDS.length - 1)]);
  }
  function follow(on) {
    if (!scene) return;
    scene.follow = on;
    $('follow').setAttribute('aria-pressed', String(on));
    request();
  }
  function reset() {
    if (!scene) return;
    scene.reset();
    follow(true);
  }

  const far = Math.max(1, Math.round(FAR / seconds));
  // between two steps the one that is shown is the last one
  const on = (n) => seek(stepAt(time) + n);
  const back = (n) => seek(Math.ceil(time / seconds - 1e-6) - n);
  const keys = {
    ' ': () => playing ? pause() : play(),
    ArrowLeft: (shift) => back(shift ? far : 1),
    ArrowRight: (shift) => on(shift ? far : 1),
    Home: () => seek(first),
    End: () => seek(last),
    '-': () => change(-1), '_': () => change(-1),
    '+': () => change(1), '=': () => change(1),
    f: () => follow(!scene || !scene.follow),
    r: reset,
  };
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const within = event.target.closest ? event.target : document.body;
    if (event.key === ' ' && within.closest('button, select, summary')) return;  // its own key
    if (event.key.startsWith('Arrow') && within.closest('select')) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act(event.shiftKey);
  });

  $('play').addEventListener('click', keys[' ']);
  $('back').addEventListener('click', () => back(1));
  $('forward').addEventListener('click', () => on(1));
  $('follow').addEventListener('click', () => follow(!scene.follow));
  $('reset').addEventListener('click', reset);
  $('speed').addEventListener('change', () => setSpeed(Number($('speed').value)));
  scrub.addEventListener('input', () => seek(Number(scrub.value)));

  // ---------------------------------------------------------------------------------- the start

  scrub.min = first;
  scrub.max = last;
  $('steps').textContent = `of ${last}`;
  $('ending').textContent = ENDINGS[episode.ending] || ENDINGS[''];
  $('version').textContent = episode.version;
  for (const push of episode.pushes) {
    const mark = document.createElement('i');
    const place = (t) => (clamp(t) - episode.begin) / (episode.end - episode.begin || 1) * 100;
    mark.style.left = `${place(push.begin)}%`;
    mark.style.width = `${place(push.end) - place(push.begin)}%`;
    $('marks').appendChild(mark);
  }

  window.tendril = {
    get time() { return time; },
    get step() { return stepAt(time); },
    get playing() { return playing; },
    get speed() { return speed; },
    get drawn() { return scene !== null; },
    get quality() { return scene ? scene.quality : 0; },
    set quality(level) {
      adaptive = false;
      if (scene) scene.quality = level;
    },
    first, last, play, pause, seek, draw: show,
  };
  show();
  if (!matchMedia('(prefers-reduced-motion: reduce)').matches) play();
})();
