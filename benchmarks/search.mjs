// Asks queries in a browser and tells what each cost.
//   node search.mjs JOB.json     (a job: {browser, url, runs, queries: {label: query}})
// Of both searches: a page that is opened for the query, and then the query for another word on the
// same page. Prints JSON: {kind: {label: [{first: {ms, requests, bytes, results}, next}]}}.
import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';

// The browser tests have it.
const puppeteer = createRequire(new URL('../tests/browser/', import.meta.url))('puppeteer-core');
const job = JSON.parse(await readFile(process.argv[2], 'utf8'));
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update',
];
const PATIENCE = {timeout: 120_000};

const asking = {
  broadsheet: {
    open: query => `/search/?q=${encodeURIComponent(query)}`,
    again: query => {
      document.querySelector('#q').value = query;
      document.querySelector('form').requestSubmit();
    },
    results: () => {
      const said = document.querySelector('#said')?.textContent ?? '';
      return /found|No article/.test(said) ? document.querySelectorAll('#results li').length : -1;
    },
  },
  pagefind: {
    open: query => `/pagefind.html?q=${encodeURIComponent(query)}`,
    again: query => window.ask(query),
    results: () => window.results ?? -1,
  },
};

// What the server has sent since it was last asked: a worker's requests are no page's.
const sent = async () => (await fetch(`${job.url}/sent`)).json();

async function measured(act, results, tab) {
  await sent();
  const began = performance.now();
  await act();
  const handle = await tab.waitForFunction(`(${results})() >= 0 && [(${results})()]`, {...PATIENCE, polling: 5});
  const ms = performance.now() - began;
  const [number] = await handle.jsonValue();
  return {ms, results: number, ...await sent()};
}

async function ask(browser, {open, again, results}, query) {
  const context = await browser.createBrowserContext();
  const tab = await context.newPage();
  const first = await measured(() => tab.goto(job.url + open(query), {waitUntil: 'domcontentloaded'}), results, tab);
  await tab.evaluate(() => { window.results = undefined; });
  const next = await measured(() => tab.evaluate(again, job.next), results, tab);
  await context.close();
  return {first, next};
}

const browser = await puppeteer.launch({executablePath: job.browser, args: FLAGS});
const found = {};
for (const [kind, how] of Object.entries(asking)) {
  found[kind] = {};
  for (const [label, query] of Object.entries(job.queries)) {
    found[kind][label] = [];
    for (let run = 0; run < job.runs; run++) found[kind][label].push(await ask(browser, how, query));
  }
}
await browser.close();
process.stdout.write(JSON.stringify(found));
