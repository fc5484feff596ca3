// Lighthouse's scores of a page on a phone. Other work on the machine costs performance alone, so
// the best of five counts, and the first is enough if it is good enough.
import lighthouse from 'lighthouse';

const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'];
const GOOD = 0.95;
const RUNS = 5;

async function run(browser, url) {
  const tab = await browser.newPage();
  try {
    const flags = {onlyCategories: CATEGORIES, disableFullPageScreenshot: true, logLevel: 'silent'};
    const {lhr} = await lighthouse(url, flags, undefined, tab);
    const result = {faults: []};
    for (const name of CATEGORIES) {
      const {score, auditRefs} = lhr.categories[name];
      result[name] = Math.round(score * 100);
      if (name !== 'performance') result.faults.push(...auditRefs
        .filter(({id, weight}) => weight && (lhr.audits[id].score ?? 1) < 1)
        .map(({id}) => `${id}: ${lhr.audits[id].title}`));
    }
    if (lhr.runtimeError) result.faults.push(lhr.runtimeError.message);
    result.shift = lhr.audits['cumulative-layout-shift'].numericValue;
    result.paint = Math.round(lhr.audits['largest-contentful-paint'].numericValue);
    return result;
  } finally {
    await tab.close();
  }
}

export async function scores(browser, url) {
  let best = await run(browser, url);
  for (let i = 1; i < RUNS && best.performance < GOOD * 100; i++) {
    const next = await run(browser, url);
    if (next.performance > best.performance) best = next;
  }
  return best;
}
