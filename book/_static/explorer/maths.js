/* What the explorers compute. Pure functions without a page, so that the tests can hold them to
 * Python's: helpers/metrics/image.py for the counts, helpers/long_tail/mixing.py and scipy for the mixing. */
(function () {
  "use strict";

  /** Counts of images; one is stopped when its score is above the threshold. */
  function confusion(scores, defects, threshold) {
    const counts = { tn: 0, fp: 0, fn: 0, tp: 0 };
    scores.forEach((score, i) => {
      const stopped = score > threshold;
      if (defects[i] === "good") counts[stopped ? "fp" : "tn"] += 1;
      else counts[stopped ? "tp" : "fn"] += 1;
    });
    return counts;
  }

  const falseAlarmRate = ({ tn, fp }) => fp / (fp + tn);
  const missRate = ({ fn, tp }) => fn / (fn + tp);

  /** What errors cost in a thousand parts of which the share `defective` is bad. */
  function costPerThousand(counts, costs) {
    const good = 1 - costs.defective;
    return 1000 * (
      good * falseAlarmRate(counts) * costs.falseAlarm
      + costs.defective * missRate(counts) * costs.miss
    );
  }

  const distinct = (scores) => [...new Set(scores)].sort((a, b) => a - b);

  /** Whether the scores spread so far that a linear axis would hide most of them. */
  function needsLog(scores) {
    const sorted = distinct(scores);
    return sorted[0] > 0 && sorted.at(-1) > 20 * sorted[sorted.length >> 1];
  }

  /** How many of the distinct scores lie at or below the threshold: the slider's position. */
  const positionOf = (scores, threshold) =>
    distinct(scores).filter((score) => score <= threshold).length;

  /** A threshold between two neighbouring scores: all in that gap stop the same images. */
  function thresholdAt(scores, position) {
    const sorted = distinct(scores);
    const last = sorted.length - 1;
    if (position > last) return sorted[last];
    const log = needsLog(scores);
    const middle = (a, b) => (log ? Math.sqrt(a * b) : (a + b) / 2);
    const below = position > 0 ? sorted[position - 1]
      : log ? sorted[0] ** 2 / sorted[1] : 2 * sorted[0] - sorted[1];
    return middle(below, sorted[position]);
  }

  /** The position with the least cost; of equals the one that stops fewest parts. */
  function cheapest(scores, defects, costs) {
    let best = null;
    for (let position = distinct(scores).length; position >= 0; position -= 1) {
      const counts = confusion(scores, defects, thresholdAt(scores, position));
      const cost = costPerThousand(counts, costs);
      if (best === null || cost < best.cost - 1e-9) best = { position, cost };
    }
    return best.position;
  }

  /** The images that two thresholds treat differently, as places in the test set. */
  const changed = (scores, before, after) =>
    scores.flatMap((score, i) => ((score > before) !== (score > after) ? [i] : []));

  /* Beta(α, 1): P(λ ≤ x) = x^α. */
  const betaDensity = (x, alpha) => alpha * x ** (alpha - 1);
  const betaMean = (alpha) => alpha / (alpha + 1);
  const betaAbove = (x, alpha) => 1 - x ** alpha;
  const betaQuantile = (u, alpha) => u ** (1 / alpha);

  /** (1 - λ) · first + λ · second, for targets and pixels alike. */
  const mix = (first, second, share) =>
    first.map((value, i) => (1 - share) * value + share * second[i]);

  window.nutMaths = {
    confusion, falseAlarmRate, missRate, costPerThousand, distinct, needsLog, positionOf,
    thresholdAt, cheapest, changed, betaDensity, betaMean, betaAbove, betaQuantile, mix,
  };
})();
