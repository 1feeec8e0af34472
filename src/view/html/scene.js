// The robot and its ground in 3D: what MuJoCo's model says, drawn by three.js. z is up, as in
// MuJoCo. Throws if the browser has no WebGL.
function createScene(canvas, labels, episode, redraw) {
  const FIELD_OF_VIEW = 36;  // degrees, the smaller side's
  const GROUND = 600;        // m, side of a ground that has no end
  const FADE = 0.3;          // s that a push is still seen after its end
  const LOOKS = {
    light: {sky: '#7fa6c4', horizon: '#dfe8ec', tiles: ['#e6ebe8', '#d0d9d5'], ground: '#c9d1cc', sun: 0.62, day: 0.5},
    dark: {sky: '#0b1117', horizon: '#1d272c', tiles: ['#2a3539', '#232d31'], ground: '#20282b', sun: 0.75, day: 0.42},
  };
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const linear = (css) => new THREE.Color(css).convertSRGBToLinear();

  THREE.Object3D.DefaultUp.set(0, 0, 1);
  const renderer = new THREE.WebGLRenderer({canvas, antialias: true});
  renderer.gammaOutput = true;
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = THREE.PCFSoftShadowMap;
  const scene = new THREE.Scene();
  const camera = new THREE.PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 1000);
  const day = new THREE.HemisphereLight();
  const sun = new THREE.DirectionalLight();
  sun.castShadow = true;
  sun.shadow.mapSize.set(1024, 1024);
  scene.add(day, sun, sun.target);

  // ---------------------------------------------------------------------------------- shapes

  function plane([a, b]) {
    const w = a > 0 ? 2 * a : GROUND, h = b > 0 ? 2 * b : GROUND;
    const geometry = new THREE.PlaneBufferGeometry(w, h);
    const uv = geometry.attributes.uv;  // two tiles of 1 m each way are one picture
    for (let i = 0; i < uv.count; i++) uv.setXY(i, (uv.getX(i) - 0.5) * w / 2, (uv.getY(i) - 0.5) * h / 2);
    return geometry;
  }

  function capsule([r, half]) {
    const outline = [];
    for (let i = -24; i <= 24; i++) {
      if (i === 0) outline.push(new THREE.Vector2(r, -half));
      const angle = i / 24 * Math.PI / 2;
      outline.push(new THREE.Vector2(r * Math.cos(angle), r * Math.sin(angle) + (i < 0 ? -half : half)));
    }
    return new THREE.LatheBufferGeometry(outline, 36).rotateX(Math.PI / 2);
  }

  // Smooth across edges of less than 40 degrees, sharp across others.
  function mesh({vertices, faces}) {
    const sharp = Math.cos(40 * Math.PI / 180), n = faces.length / 3;
    const position = new Float32Array(9 * n), normal = new Float32Array(9 * n);
    const across = [], around = [];  // of each face: its normal as long as it is large; of each vertex: faces
    const at = (i) => new THREE.Vector3(vertices[3 * i], vertices[3 * i + 1], vertices[3 * i + 2]);
    for (let f = 0; f < n; f++) {
      const [a, b, c] = [0, 1, 2].map((k) => at(faces[3 * f + k]));
      [a, b, c].forEach((p, k) => p.toArray(position, 9 * f + 3 * k));
      across.push(b.sub(a).cross(c.sub(a)));
      for (let k = 0; k < 3; k++) (around[faces[3 * f + k]] = around[faces[3 * f + k]] || []).push(f);
    }
    const unit = across.map((v) => v.clone().normalize()), sum = new THREE.Vector3();
    for (let f = 0; f < n; f++)
      for (let k = 0; k < 3; k++) {
        sum.set(0, 0, 0);
        for (const g of around[faces[3 * f + k]])
          if (unit[f].dot(unit[g]) > sharp) sum.add(across[g]);
        (sum.lengthSq() > 0 ? sum.normalize() : unit[f]).toArray(normal, 9 * f + 3 * k);
      }
    const geometry = new THREE.BufferGeometry();
    geometry.addAttribute('position', new THREE.BufferAttribute(position, 3));
    geometry.addAttribute('normal', new THREE.BufferAttribute(normal, 3));
    return geometry;
  }

  // MuJoCo's grid: rows along y, columns along x, heights 0 to 1 of size[2], a base below.
  function field({rows, columns, size, heights}) {
    const geometry = new THREE.PlaneBufferGeometry(2 * size[0], 2 * size[1], columns - 1, rows - 1);
    const p = geometry.attributes.position;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++)  // the plane's first row is that of the largest y
        p.setZ((rows - 1 - r) * columns + c, heights[r * columns + c] * size[2]);
    const uv = geometry.attributes.uv;
    for (let i = 0; i < p.count; i++) uv.setXY(i, p.getX(i) / 2, p.getY(i) / 2);
    geometry.computeVertexNormals();
    return geometry;
  }

  const shapes = {
    plane: (g) => plane(g.size),
    field: (g) => field(episode.fields[g.data]),
    sphere: (g) => new THREE.SphereBufferGeometry(g.size[0], 40, 28),
    capsule: (g) => capsule(g.size),
    ellipsoid: (g) => new THREE.SphereBufferGeometry(1, 40, 28).scale(g.size[0], g.size[1], g.size[2]),
    cylinder: (g) => new THREE.CylinderBufferGeometry(g.size[0], g.size[0], 2 * g.size[1], 48).rotateX(Math.PI / 2),
    box: (g) => new THREE.BoxBufferGeometry(2 * g.size[0], 2 * g.size[1], 2 * g.size[2]),
    mesh: (g) => mesh(episode.meshes[g.data]),
  };

  // ---------------------------------------------------------------------------------- the robot

  const tiles = document.createElement('canvas');
  tiles.width = tiles.height = 256;
  const checker = new THREE.CanvasTexture(tiles);
  checker.wrapS = checker.wrapT = THREE.RepeatWrapping;
  checker.anisotropy = Math.min(4, renderer.capabilities.getMaxAnisotropy());  // 16 costs more than all the rest
  checker.encoding = THREE.sRGBEncoding;

  function material(geom) {
    const [r, g, b, a] = geom.colour;
    const tiled = geom.shape === 'plane' || geom.shape === 'field';
    const common = {transparent: a < 1, opacity: a};
    // a plane has one side, as in MuJoCo: from below one sees through it
    const side = geom.shape === 'field' ? THREE.DoubleSide : THREE.FrontSide;
    if (tiled) return new THREE.MeshLambertMaterial({...common, map: checker, side});
    const color = new THREE.Color(r, g, b).convertSRGBToLinear();
    return new THREE.MeshStandardMaterial({...common, color, roughness: 0.5, metalness: 0});
  }

  const endless = [];  // grounds that go with the camera
  const bodies = episode.bodies.map((body) => {
    const group = new THREE.Group();
    if (body.track === undefined) {
      group.position.fromArray(body.position);
      group.quaternion.set(body.turn[1], body.turn[2], body.turn[3], body.turn[0]);
    }
    scene.add(group);
    return group;
  });
  for (const geom of episode.geoms) {
    const part = new THREE.Mesh(shapes[geom.shape](geom), material(geom));
    part.position.fromArray(geom.position);
    part.quaternion.set(geom.turn[1], geom.turn[2], geom.turn[3], geom.turn[0]);
    part.castShadow = geom.shape !== 'plane' && geom.colour[3] > 0.5;
    part.receiveShadow = true;
    bodies[geom.body].add(part);
    if (geom.shape === 'plane' && !(geom.size[0] > 0 && geom.size[1] > 0)) endless.push({part, geom});
  }

  const position = [0, 0, 0], turn = [0, 0, 0, 1];
  function setPoses(time) {
    const where = episode.between(time);
    episode.bodies.forEach((body, i) => {
      if (body.track === undefined) return;
      episode.pose(body.track, where, position, turn);
      bodies[i].position.fromArray(position);
      bodies[i].quaternion.fromArray(turn);
    });
    scene.updateMatrixWorld();
  }

  // ---------------------------------------------------------------------------------- where it is

  // The robot: the first body with a joint and all that hang together with it.
  const moving = episode.bodies.map((body, i) => ({body, i})).filter(({body}) => body.track !== undefined);
  const hero = moving.find(({body}) => body.root !== undefined) || moving[0];
  const followed = moving.filter(({body}) => body.root === hero.body.root);

  function extent() {
    const box = new THREE.Box3(), each = new THREE.Box3();
    const parts = followed.length ? followed.map(({i}) => bodies[i]) : bodies;
    setPoses(episode.begin);
    for (const part of parts)
      for (const child of part.children)
        if (!endless.some((e) => e.part === child)) box.union(each.setFromObject(child));
    return box.isEmpty() ? new THREE.Box3(new THREE.Vector3(-1, -1, -1), new THREE.Vector3(1, 1, 1)) : box;
  }
  const box = extent();
  const middle = box.getCenter(new THREE.Vector3());
  const radius = Math.max(box.getSize(new THREE.Vector3()).length() / 2, 1e-3);

  // The middle of the robot in every frame, smoothed: along the ground a little, so that its gait
  // stays visible, in height a lot. It depends on the time only, not on how one got there.
  function smoothed(values, dt, width) {
    const n = Math.min(Math.ceil(3 * width / dt), 2000), out = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      let sum = 0, weight = 0;
      for (let k = -n; k <= n; k++) {
        const j = Math.min(Math.max(i + k, 0), values.length - 1);
        const w = Math.exp(-0.5 * Math.pow(k * dt / width, 2));
        sum += w * values[j];
        weight += w;
      }
      out[i] = sum / weight;
    }
    return out;
  }

  function makePath() {
    const path = [0, 1, 2].map(() => new Float64Array(episode.frames));
    const mass = followed.reduce((sum, {body}) => sum + body.mass, 0);
    for (let frame = 0; frame < episode.frames; frame++) {
      const where = episode.between(episode.timeOfFrame(frame));
      for (const {body} of followed) {
        episode.pose(body.track, where, position, turn);
        const share = mass > 0 ? body.mass / mass : 1 / followed.length;
        for (let k = 0; k < 3; k++) path[k][frame] += share * position[k];
      }
    }
    const offset = middle.toArray().map((x, k) => followed.length ? x - path[k][0] : x);
    const dt = episode.frames > 1 ? episode.timeOfFrame(1) - episode.timeOfFrame(0) : 1;
    return path.map((values, k) => smoothed(values.map((x) => x + offset[k]), dt, k < 2 ? 0.1 : 0.6));
  }
  const path = makePath();

  function placeAt(time, out) {
    const {a, b, part} = episode.between(time);
    return out.set(...path.map((values) => values[a] + part * (values[b] - values[a])));
  }

  // ---------------------------------------------------------------------------------- the camera

  const target = new THREE.Vector3(), focus = new THREE.Vector3(), shift = new THREE.Vector3();
  const view = {azimuth: 0, elevation: 0, distance: 1};
  let follow = true;

  // From where the model's own camera looks, a little from ahead and from above unless it looks down
  // on the robot anyway.
  function reset() {
    const back = new THREE.Vector3(...(episode.camera || [0, -1, 0])).normalize();
    const elevation = Math.asin(back.z);
    const steep = elevation > 0.6;
    const level = Math.hypot(back.x, back.y) > 1e-6;
    view.azimuth = (level ? Math.atan2(back.y, back.x) : -Math.PI / 2) + (steep ? 0 : 0.42);
    view.elevation = steep ? elevation : Math.max(elevation, 0.2);
    view.distance = 1.5 * radius / Math.sin(FIELD_OF_VIEW / 2 * Math.PI / 180);
    shift.set(0, 0, 0);
    placeAt(time, focus);
  }

  function aim() {
    if (follow) placeAt(time, focus);
    target.copy(focus).add(shift);
    const {azimuth, elevation, distance} = view;
    camera.position.set(Math.cos(elevation) * Math.cos(azimuth), Math.cos(elevation) * Math.sin(azimuth),
        Math.sin(elevation)).multiplyScalar(distance).add(target);
    camera.near = distance / 50;
    camera.far = distance * 60 + 10 * radius;
    camera.lookAt(target);
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld();
  }

  // ---------------------------------------------------------------------------------- light

  const dome = new THREE.Mesh(new THREE.SphereBufferGeometry(1, 32, 32),
      new THREE.MeshBasicMaterial({side: THREE.BackSide, vertexColors: THREE.VertexColors, fog: false, depthWrite: false}));
  dome.geometry.rotateX(Math.PI / 2);
  dome.frustumCulled = false;
  dome.renderOrder = -1;
  scene.add(dome);
  scene.fog = new THREE.Fog(0, 1, 2);

  function dress() {
    const look = LOOKS[dark.matches ? 'dark' : 'light'];
    const sky = linear(look.sky), horizon = linear(look.horizon), mix = new THREE.Color();
    const p = dome.geometry.attributes.position, colours = new Float32Array(3 * p.count);
    for (let i = 0; i < p.count; i++)
      mix.copy(horizon).lerp(sky, Math.min(Math.max(p.getZ(i), 0) * 1.4, 1)).toArray(colours, 3 * i);
    dome.geometry.addAttribute('color', new THREE.BufferAttribute(colours, 3));
    scene.fog.color.set(look.horizon);  // three.js adds it behind the conversion to the screen's colours
    day.color.copy(linear('#ffffff'));
    day.groundColor.copy(linear(look.ground));
    day.intensity = look.day;
    sun.intensity = look.sun;
    const c = tiles.getContext('2d');
    for (let i = 0; i < 4; i++) {
      c.fillStyle = look.tiles[(i + (i >> 1)) % 2];
      c.fillRect(i % 2 * 128, (i >> 1) * 128, 128, 128);
    }
    checker.needsUpdate = true;
  }

  // What goes with the place that is looked at: sun, shadow, sky, haze, endless ground.
  const local = new THREE.Vector3();
  function surround() {
    const reach = 3 * radius;
    placeAt(time, sun.target.position);
    sun.position.set(0.35, -0.5, 1).normalize().multiplyScalar(4 * reach).add(sun.target.position);
    sun.target.updateMatrixWorld();
    const box = sun.shadow.camera;
    box.left = box.bottom = -reach;
    box.right = box.top = reach;
    box.near = 0.5 * reach;
    box.far = 9 * reach;
    box.updateProjectionMatrix();
    sun.shadow.bias = -0.0004;
    dome.position.copy(camera.position);
    dome.scale.setScalar(0.5 * camera.far);
    scene.fog.near = view.distance * 2.5;
    scene.fog.far = Math.min(view.distance * 22, camera.far);
    for (const {part, geom} of endless) {  // by whole pictures, so that the tiles stay where they are
      local.copy(target);
      part.parent.worldToLocal(local).sub(part.position.fromArray(geom.position));
      local.applyQuaternion(part.quaternion.clone().inverse());
      local.set(geom.size[0] > 0 ? 0 : 2 * Math.round(local.x / 2), geom.size[1] > 0 ? 0 : 2 * Math.round(local.y / 2), 0);
      part.position.add(local.applyQuaternion(part.quaternion));
      part.updateMatrixWorld();
    }
  }

  // ---------------------------------------------------------------------------------- pushes

  // An arrow of length 1 whose tip is at the origin and which points along z.
  function makeArrow() {
    const paint = new THREE.MeshStandardMaterial({color: linear('#e06000'), emissive: linear('#7a3400'), transparent: true});
    const shaft = new THREE.Mesh(new THREE.CylinderBufferGeometry(0.035, 0.035, 0.72, 20).rotateX(Math.PI / 2), paint);
    const head = new THREE.Mesh(new THREE.ConeBufferGeometry(0.1, 0.28, 24).rotateX(Math.PI / 2), paint);
    shaft.position.z = -0.64;
    head.position.z = -0.14;
    const arrow = new THREE.Group();
    arrow.add(shaft, head);
    arrow.visible = false;
    scene.add(arrow);
    return {arrow, paint};
  }

  const strongest = Math.max(...episode.pushes.map((p) => Math.hypot(...p.force)), 1e-9);
  const pushes = episode.pushes.map((push) => {
    const label = document.createElement('span');
    const newtons = Math.hypot(...push.force);
    label.textContent = `${Number(newtons.toPrecision(3))} N`;
    label.hidden = true;
    labels.appendChild(label);
    return {...makeArrow(), push, label, newtons, direction: new THREE.Vector3(...push.force).normalize()};
  });
  const up = new THREE.Vector3(0, 0, 1), tail = new THREE.Vector3();

  function drawPushes() {
    for (const {push, arrow, paint, label, newtons, direction} of pushes) {
      const since = time - push.end;
      arrow.visible = newtons > 0 && time >= push.begin - 1e-9 && since < FADE && bodies[push.body] !== undefined;
      label.hidden = !arrow.visible;
      if (!arrow.visible) continue;
      const length = radius * (0.45 + 0.55 * newtons / strongest);
      paint.opacity = since < 0 ? 1 : 0.6 * (1 - since / FADE);
      arrow.scale.setScalar(length);
      arrow.quaternion.setFromUnitVectors(up, direction);
      arrow.position.fromArray(episode.bodies[push.body].centre);
      bodies[push.body].localToWorld(arrow.position).addScaledVector(direction, -0.08 * radius);
      arrow.updateMatrixWorld();
      tail.copy(arrow.position).addScaledVector(direction, -1.15 * length).project(camera);
      label.style.opacity = since < 0 ? 1 : 0.8 * (1 - since / FADE);
      label.style.transform = `translate(${(tail.x + 1) / 2 * canvas.clientWidth}px, ` +
          `${(1 - tail.y) / 2 * canvas.clientHeight}px) translate(-50%, -50%)`;
    }
  }

  // ---------------------------------------------------------------------------------- drawing

  let time = episode.begin, width = 0, height = 0, quality = 0;
  function resize() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2) * (quality < 2 ? 1 : 0.6);
    if (canvas.clientWidth === width && canvas.clientHeight === height && renderer.getPixelRatio() === ratio) return;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    renderer.setPixelRatio(ratio);
    renderer.setSize(width, height, false);
    camera.aspect = width / Math.max(height, 1);
    // the smaller side shows FIELD_OF_VIEW
    const half = Math.tan(FIELD_OF_VIEW / 2 * Math.PI / 180);
    camera.fov = 2 * Math.atan(half / Math.min(camera.aspect, 1)) * 180 / Math.PI;
  }

  function draw(t) {
    time = t;
    resize();
    setPoses(time);
    aim();
    surround();
    drawPushes();
    renderer.render(scene, camera);
  }

  // ---------------------------------------------------------------------------------- mouse, touch

  const pointers = new Map();  // those that are down
  function move(dx, dy) {
    const right = new THREE.Vector3().setFromMatrixColumn(camera.matrixWorld, 0);
    const above = new THREE.Vector3().setFromMatrixColumn(camera.matrixWorld, 1);
    const metres = 2 * view.distance * Math.tan(camera.fov / 2 * Math.PI / 180) / Math.max(height, 1);
    shift.addScaledVector(right, -dx * metres).addScaledVector(above, dy * metres);
  }
  function orbit(dx, dy) {
    view.azimuth -= dx * 0.006;
    view.elevation = Math.min(Math.max(view.elevation + dy * 0.006, -1.5), 1.5);
  }
  function zoom(factor) {
    view.distance = Math.min(Math.max(view.distance * factor, 0.3 * radius), 60 * radius);
  }

  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, {x: event.clientX, y: event.clientY});
  });
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture'])
    canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener('pointermove', (event) => {
    const was = pointers.get(event.pointerId);
    if (!was) return;
    const now = {x: event.clientX, y: event.clientY};
    const dx = now.x - was.x, dy = now.y - was.y;
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
      const apart = (p) => Math.max(Math.hypot(p.x - other.x, p.y - other.y), 1);
      zoom(apart(was) / apart(now));
      move(dx / 2, dy / 2);
    } else if (event.shiftKey || event.buttons & 6) {
      move(dx, dy);
    } else {
      orbit(dx, dy);
    }
    pointers.set(event.pointerId, now);
    redraw();
  });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom(Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.04 : 0.0012)));
    redraw();
  }, {passive: false});
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());

  dark.addEventListener('change', () => {
    dress();
    redraw();
  });
  new ResizeObserver(redraw).observe(canvas);
  dress();
  reset();
  return {
    draw,
    reset() {
      follow = true;
      reset();
    },
    get follow() {
      return follow;
    },
    set follow(on) {
      follow = on;
    },
    // 0: all; 1: no shadows; 2: coarser, too
    get quality() {
      return quality;
    },
    set quality(level) {
      quality = Math.min(Math.max(level, 0), 2);
      sun.castShadow = quality < 1;
    },
  };
}
