// What is read again and again: a fault is said, and taken back once it goes well again.
import { by, say } from "./base.js";

// Without a connection the bar says so, and nobody can answer: nothing is asked until it is back.
const cut = () => ["away", "lost"].includes(document.documentElement.dataset.link);

// Reads now and every so many seconds; gives what reads at once.
export function renewed(read, seconds) {
  let fault = "";
  const again = async () => {
    if (cut()) return;
    try {
      await read();
      if (fault && by("vk-result").textContent === fault) say("");
      fault = "";
    } catch (error) {
      say(error.message, true);
      fault = by("vk-result").textContent;
    }
  };
  setInterval(() => document.hidden || again(), seconds * 1000);
  addEventListener("visibilitychange", () => document.hidden || again());
  again();
  return again;
}

// Does it once for all that want it within a moment: the HMI keeps an answer for two seconds.
export function settled(act, milliseconds = 2100) {
  let waiting = 0;
  return () => (waiting ||= setTimeout(() => {
    waiting = 0;
    act();
  }, milliseconds));
}
