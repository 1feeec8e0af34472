'use strict';

// The episode as the page holds it: numbers out of base64, and poses at any time between those that
// are stored. Times are seconds from the episode's start, steps its control steps.
function readEpisode(json) {
  const data = JSON.parse(json);

  function bytes(text) {
    const binary = atob(text);
    const out = new Uint8Array(binary.length);
    for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
    return out.buffer;
  }
  const floats = (text) => new Float32Array(bytes(text));

  const {first, last, every, frames, tracks, seconds} = data;
  const positions = floats(data.positions);
  const turns = new Int16Array(bytes(data.turns));
  const rewards = floats(data.rewards);
  const byTerm = floats(data.rewards_by_term);
  const nterm = data.terms.length;

  // returns[s]: the return when `first + s` steps are over
  const returns = new Float64Array(rewards.length + 1);
  returns[0] = data.return_before;
  for (let i = 0; i < rewards.length; i++) returns[i + 1] = returns[i] + rewards[i];

  const meshes = data.meshes.map((mesh) => mesh.faces && {
    vertices: floats(mesh.vertices),
    faces: new Uint32Array(bytes(mesh.faces)),
  });
  const fields = data.fields.map((field) => ({...field, heights: floats(field.heights)}));

  const stepOfFrame = (frame) => Math.min(first + frame * every, last);

  // The two frames around a time and how far it is between them.
  function between(time) {
    const step = Math.min(Math.max(time / seconds, first), last);
    const a = Math.min(Math.floor((step - first) / every + 1e-9), Math.max(frames - 2, 0));
    const b = Math.min(a + 1, frames - 1);
    const length = stepOfFrame(b) - stepOfFrame(a);
    return {a, b, part: length > 0 ? Math.min(Math.max((step - stepOfFrame(a)) / length, 0), 1) : 0};
  }

  // Position [3] and quaternion [4], x y z w, of a track at a time. The shorter way round: a
  // quaternion and its negative are the same turn.
  function pose(track, {a, b, part}, position, turn) {
    const i = (a * tracks + track) * 3, j = (b * tracks + track) * 3;
    for (let k = 0; k < 3; k++) position[k] = positions[i + k] + part * (positions[j + k] - positions[i + k]);
    const p = (a * tracks + track) * 4, q = (b * tracks + track) * 4;
    let dot = 0, norm = 0;
    for (let k = 0; k < 4; k++) dot += turns[p + k] * turns[q + k];
    const other = dot < 0 ? -part : part;
    for (let k = 0; k < 4; k++) {
      const x = (1 - part) * turns[p + k] + other * turns[q + k];
      turn[(k + 3) % 4] = x;  // w is stored first
      norm += x * x;
    }
    for (let k = 0; k < 4; k++) turn[k] = norm > 0 ? turn[k] / Math.sqrt(norm) : Number(k === 3);
  }

  return {
    task: data.task, version: data.tendril, ending: data.ending, camera: data.camera,
    bodies: data.bodies, geoms: data.geoms, pushes: data.pushes, terms: data.terms, meshes, fields,
    seconds, first, last, frames, between, pose,
    begin: first * seconds, end: last * seconds,
    timeOfFrame: (frame) => stepOfFrame(frame) * seconds,
    // of the step from s to s + 1, first <= s < last
    reward: (s) => rewards[s - first],
    term: (s, k) => byTerm[(s - first) * nterm + k],
    returnAt: (s) => returns[s - first],
  };
}
