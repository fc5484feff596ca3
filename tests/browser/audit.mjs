// Opens pages in one browser, with axe and Lighthouse, and tells what is wrong with each.
//   node audit.mjs JOB.json REPORT.json
// A job: {browser, screenshots, pages: [{path, name, url, checks, views}], lighthouse: [{path, url}]}.
// A page is looked at in the first of VIEWS, as many as it says; of all four there are pictures.
import {readFile, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';

import puppeteer from 'puppeteer-core';

import {scores} from './scores.mjs';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update', '--force-color-profile=srgb',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];
const BROWSERS = 2;
const VIEWS = [[390, 'light'], [390, 'dark'], [1280, 'light'], [1280, 'dark']];
const AXE = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  rules: {'target-size': {enabled: true}},
  resultTypes: ['violations'],
};
// What of it depends on colours.
const AXE_COLOURS = {
  runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']},
  resultTypes: ['violations'],
};
// https://www.w3.org/TR/WCAG22/#text-spacing
const SPACING = `* { line-height: 1.5 !important; letter-spacing: .12em !important;
  word-spacing: .16em !important } p { margin-block-end: 2em !important }`;
const MOST_STOPS = 60;
const TALLEST = 6000;

const here = new URL('.', import.meta.url);
const scripts = await Promise.all([
  readFile(createRequire(here).resolve('axe-core/axe.min.js'), 'utf8'),
  readFile(new URL('look.js', here), 'utf8'),
]);

const look = (tab, check, argument) =>
  tab.evaluate((name, value) => window.look[name](value), check, argument);

// What is asked of a page runs in it, whether its own scripts may run or not.
const prepare = async tab => {
  for (const script of scripts) await tab.evaluate(script);
};

const view = async (tab, width, scheme = 'light', features = []) => {
  await tab.setViewport({width, height: width < 500 ? 844 : 900});
  await tab.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}, ...features]);
};

// What the browser fetched and complained of.
function listen(tab, origin) {
  const heard = {console: [], requests: [], bytes: 0, count: 0};
  tab.on('console', message => {
    if (['error', 'warn'].includes(message.type())) heard.console.push(message.text());
  });
  tab.on('pageerror', error => heard.console.push(String(error)));
  tab.on('requestfailed', request => heard.requests.push(`failed: ${request.url()}`));
  tab.on('request', request => {
    if (new URL(request.url()).origin !== origin) heard.requests.push(`foreign: ${request.url()}`);
  });
  tab.on('response', response => {
    const type = response.request().resourceType();
    heard.count += 1;
    if (['document', 'stylesheet'].includes(type))
      heard.bytes += Number(response.headers()['content-length'] ?? 0);
    else if (response.status() >= 400) heard.requests.push(`${response.status()}: ${response.url()}`);
  });
  return heard;
}

async function axe(tab, rules = AXE) {
  const {violations} = await tab.evaluate(options => window.axe.run(document, options), rules);
  return violations.flatMap(({id, nodes}) => nodes.map(({target, html, any}) =>
    `${id}: ${target} ${html.slice(0, 160)} ${any[0]?.message ?? ''}`));
}

// By keyboard: the skip link comes first and leads past the header; whatever has the focus shows it.
async function keyboard(tab) {
  await view(tab, 1280);
  const skip = [], focus = [];
  const stops = await look(tab, 'undressed');
  const press = async key => {
    await tab.keyboard.press(key);
    return look(tab, 'focused');
  };
  let now = await press('Tab');
  if (!now.isSkip || !now.seen) skip.push(`the first stop is ${now.name}`);
  else {
    await press('Enter');
    now = await press('Tab');
    if (now.inHeader) skip.push(`it leads to ${now.name}`);
  }
  await tab.evaluate(() => { location.hash = ''; document.activeElement.blur(); scrollTo(0, 0); });
  await tab.evaluate(() => { getSelection().collapse(document.body, 0); });
  for (let i = 0; i < Math.min(stops, MOST_STOPS); i++) {
    now = await press('Tab');
    if (now.none) break;
    if (!now.seen) focus.push(now.name);
  }
  return {skip, focus};
}

async function overflow(tab) {
  const found = [];
  const measure = async label =>
    found.push(...(await look(tab, 'overflow')).map(text => `${label}: ${text}`));
  await view(tab, 320);
  await measure('320 px');
  await look(tab, 'wear', SPACING);
  await measure('320 px, spaced text');
  await look(tab, 'wear', ':root { font-size: 200% !important }');
  for (const width of [640, 1280]) {
    await view(tab, width);
    await measure(`${width} px, text of 200 %`);
  }
  await look(tab, 'wear', '');
  return found;
}

async function media(tab) {
  await view(tab, 1280, 'light', [{name: 'prefers-reduced-motion', value: 'reduce'}]);
  const motion = await look(tab, 'motion');
  const client = await tab.createCDPSession();
  const features = [{name: 'forced-colors', value: 'active'}];
  await client.send('Emulation.setEmulatedMedia', {media: 'screen', features});
  const colours = await look(tab, 'colours');
  await client.send('Emulation.setEmulatedMedia', {media: 'print', features: []});
  const print = await look(tab, 'print');
  await client.send('Emulation.setEmulatedMedia', {media: '', features: []});
  await client.detach();
  return {motion, colours, print};
}

async function picture(tab, path) {
  const height = await tab.evaluate(() => document.documentElement.scrollHeight);
  const {width} = tab.viewport();
  const clip = {x: 0, y: 0, width, height: Math.min(height, TALLEST)};
  await tab.screenshot({path, type: 'webp', quality: 60, clip, captureBeyondViewport: true});
}

async function reading(tab) {
  const found = {};
  for (const check of ['headings', 'landmarks', 'times']) found[check] = await look(tab, check);
  return found;
}

async function views(tab, {name, views}, screenshots) {
  const found = {axe: [], targets: []};
  for (const [width, scheme] of VIEWS.slice(0, views)) {
    await view(tab, width, scheme);
    const rules = scheme === 'light' ? AXE : AXE_COLOURS;
    found.axe.push(...(await axe(tab, rules)).map(text => `${width} px, ${scheme}: ${text}`));
    found.targets.push(...(await look(tab, 'targets')).map(text => `${width} px: ${text}`));
    if (screenshots && views === VIEWS.length)
      await picture(tab, `${screenshots}/${name}-${width}-${scheme}.webp`);
  }
  return found;
}

async function script(tab, {url}) {
  await view(tab, ...VIEWS[0]);
  const text = await look(tab, 'text');
  await tab.setJavaScriptEnabled(false);
  await tab.goto(url);
  await prepare(tab);
  await look(tab, 'wear', '');
  return text === await look(tab, 'text') ? [] : ['other text'];
}

// What gives what; a page that has been left can't be looked at any more.
const GROUPS = [
  [['headings', 'landmarks', 'times'], reading],
  [['axe', 'targets'], views],
  [['overflow'], async tab => ({overflow: await overflow(tab)})],
  [['motion', 'colours', 'print'], media],
  [['skip', 'focus'], keyboard],
  [['script'], async (tab, page) => ({script: await script(tab, page)})],
];

async function audit(browser, page, screenshots) {
  const tab = await browser.newPage();
  try {
    await tab.setCacheEnabled(false);
    await tab.emulateFocusedPage(true);
    const heard = listen(tab, new URL(page.url).origin);
    await view(tab, ...VIEWS[0]);
    await tab.goto(page.url, {waitUntil: 'networkidle0'});
    const {console, requests, bytes, count} = structuredClone(heard);
    await prepare(tab);
    const found = {console, requests, shift: await look(tab, 'shift')};
    await look(tab, 'wear', '');
    for (const [checks, group] of GROUPS)
      if (checks.some(check => page.checks.includes(check)))
        Object.assign(found, await group(tab, page, screenshots));
    return {path: page.path, bytes, count, found};
  } finally {
    await tab.close();
  }
}

const [jobFile, reportFile] = process.argv.slice(2);
const job = JSON.parse(await readFile(jobFile, 'utf8'));
const report = {pages: [], lighthouse: {}};
const waiting = [...job.pages];
// A tab behind another one may wait for ever to be painted, so each browser has but one.
const turn = async () => {
  const browser = await puppeteer.launch({executablePath: job.browser, args: FLAGS});
  try {
    for (let page; (page = waiting.shift());)
      report.pages.push(await audit(browser, page, job.screenshots));
  } finally {
    await browser.close();
  }
};
await Promise.all(Array.from({length: BROWSERS}, turn));
const browser = await puppeteer.launch({executablePath: job.browser, args: FLAGS});
for (const {path, url} of job.lighthouse) report.lighthouse[path] = await scores(browser, url);
await browser.close();
await writeFile(reportFile, JSON.stringify(report));
