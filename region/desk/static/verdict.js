// One plain verdict for the clinician, out of what this page measures and what the station tells of both directions.

const GRADES = ["good", "fair", "poor"];
const REASONS = ["none", "sound", "loss", "delay", "narrow", "picture"];
const FRESH_MS = 40000; // the station says it again every fifteen seconds

export const worse = (one, other) => (GRADES.indexOf(other) > GRADES.indexOf(one) ? other : one);

// What the station has said lately.
export class Told {
  constructor() {
    this.said = new Map();
  }

  // A message of the station at `at` (milliseconds); anything but a verdict is left alone.
  take(message, at) {
    const { direction, grade, reason } = message;
    if (!["out", "in"].includes(direction) || !GRADES.includes(grade) || !REASONS.includes(reason)) return;
    this.said.set(direction, { grade, reason, at });
  }

  of(direction, now) {
    const said = this.said.get(direction);
    return said && now - said.at < FRESH_MS ? said : { grade: "good", reason: "none" };
  }
}

// What to show: the worst of all, and a word for what may help; `own` is what Quality gave, `told` a Told, `camera`
// whether this page's camera is on. "" when there is nothing to advise.
export function verdict(own, told, now, camera) {
  const [heard, sent] = [told.of("in", now), told.of("out", now)];
  const grade = worse(worse(own.grade, heard.grade), sent.grade);
  if (grade === "good") return { grade, advice: "" };
  const [worst] = [heard, sent, own].filter((each) => each.grade === grade);
  return { grade, advice: advice(grade, worst.reason, worst === heard, camera) };
}

function advice(grade, reason, toStation, camera) {
  if (reason === "delay") return "delay";
  if (toStation && camera && grade === "poor") return "own_camera";
  if (reason === "sound" || reason === "loss") return toStation ? "sound_there" : "sound_here";
  return toStation ? "picture_there" : "picture_here";
}
