'use strict';
// Searches the months' segments (segment.py has their format) and shows what it finds, newest month
// first. Of a segment it fetches the beginning, a block for each word, and the records to be shown.
// Nothing that comes from an article is ever taken for markup.

const BLOCKS = 256;
const HEAD = 16 + 4 * BLOCKS;
// The beginning of a segment with the lengths of a thousand records.
const FIRST = HEAD + 1000;
const UNIT = 16;
const LAST = 9e14;
// What one step shows, and months that it looks through at most.
const SHOWN = 20;
const MONTHS = 24;
const WORDS = 8;
// Records closer together than this are fetched at once.
const GAP = 1024;

// The words of a text: words.py has the same rules, and tests/words.json holds both to them.

const ACCENTS = /[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]/g;
const PLAIN = {ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', ħ: 'h', ı: 'i', ł: 'l', þ: 'th', ς: 'σ'};
const RUN = /[\p{L}\p{N}\p{M}]+/gu;
const UNSPACED = String.raw`\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\u{20000}-\u{3ffff}`;
const PIECE = new RegExp(`[${UNSPACED}]+|[^${UNSPACED}]+`, 'gu');
const SOLID = new RegExp(`^[${UNSPACED}]`, 'u');
const PLURALS = [
  [/([^ae])ies$/, '$1y'], [/(ch|sh|ss|x)es$/, '$1'], [/([^aeo])es$/, '$1e'], [/([^us])s$/, '$1'],
];

function singular(word) {
  if (word.length < 4 || !/^[a-z0-9]+$/.test(word)) return word;
  const rule = PLURALS.find(([plural]) => plural.test(word));
  return rule ? word.replace(...rule) : word;
}

function words(text) {
  const folded = text.normalize('NFKD').toLowerCase().replace(ACCENTS, '')
    .replace(/[ßæœøđðħıłþς]/g, letter => PLAIN[letter]).normalize('NFC')
    .replace(/['’]s(?![\p{L}\p{N}_])/gu, ' ');
  const pieces = (folded.match(RUN) ?? []).flatMap(run => run.match(PIECE));
  return pieces.flatMap(piece => {
    if (!SOLID.test(piece)) return [singular(piece)];
    const letters = Array.from(piece);
    return letters.length < 2 ? letters : letters.slice(1).map((letter, i) => letters[i] + letter);
  });
}

function crc32(text) {
  let crc = ~0;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

// Segments. One that changes between two requests for it is begun anew.

class Moved extends Error {}

async function again(attempt, times = 4) {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Moved) || times < 2) throw error;
    return again(attempt, times - 1);
  }
}

async function range(url, from, to, tag) {
  const headers = {Range: `bytes=${from}-${to - 1}`};
  const response = await fetch(url, {headers, cache: 'no-store'});
  if (response.status === 404) {
    if (tag) throw new Moved();
    return null;
  }
  if (response.status === 416) throw new Moved();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const own = response.headers.get('ETag');
  if (tag && own !== tag) throw new Moved();
  const bytes = new Uint8Array(await response.arrayBuffer());
  return {bytes: response.status === 206 ? bytes : bytes.subarray(from, to), tag: own};
}

class Segment {
  static async open(month) {
    const url = `/search/${month}.idx`;
    const first = await range(url, 0, FIRST);
    if (!first) return null;
    const view = new DataView(first.bytes.buffer, first.bytes.byteOffset, first.bytes.length);
    if (view.getUint32(0) !== 0x42535331) throw new Error(`${url} is none`);
    return new Segment(url, first, view);
  }

  constructor(url, {bytes, tag}, view) {
    this.url = url;
    this.tag = tag;
    this.number = view.getUint32(12, true);
    this.ends = Array.from({length: BLOCKS}, (_, i) => view.getUint32(16 + 4 * i, true));
    this.blocks = HEAD + this.number;
    this.lengths = bytes.subarray(HEAD, this.blocks);
    this.fetched = new Map();
  }

  async part(from, to) {
    return from < to ? (await range(this.url, from, to, this.tag)).bytes : new Uint8Array();
  }

  block(i) {
    if (!this.fetched.has(i)) {
      const start = i ? this.ends[i - 1] : 0;
      this.fetched.set(i, this.part(this.blocks + start, this.blocks + this.ends[i]));
    }
    return this.fetched.get(i);
  }

  // Where a word stands in each article, from 1 (its text) to 3 (its title); 0 where it does not.
  async places(word) {
    const code = crc32(word);
    const known = code & 0xfffffc;
    const bytes = await this.block(code >>> 24);
    let at = this.number;
    return Array.from(bytes.subarray(0, this.number), count => {
      let place = 0;
      for (const end = at + 3 * count; at < end; at += 3) {
        const found = bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2];
        if ((found & 0xfffffc) === known) place = 1 + (found & 3);
      }
      return place;
    });
  }

  // The articles that have all words: those with them in the title first, then the newest.
  async matching(wanted) {
    const places = await Promise.all(wanted.map(word => this.places(word)));
    const found = [];
    for (let i = 0; i < this.number; i++)
      if (places.every(place => place[i]))
        found.push({i, score: places.reduce((sum, place) => sum + place[i], 0)});
    return found.sort((a, b) => b.score - a.score || a.i - b.i).map(({i}) => i);
  }

  async records(indexes) {
    if (this.lengths.length < this.number)
      this.lengths = await this.part(HEAD, this.blocks);
    const starts = [this.blocks + this.ends[BLOCKS - 1]];
    for (const length of this.lengths) starts.push(starts.at(-1) + UNIT * length);
    const spans = [];
    for (const i of [...indexes].sort((a, b) => a - b)) {
      const span = spans.at(-1);
      if (span && starts[i] - span.to < GAP) span.to = starts[i + 1];
      else spans.push({from: starts[i], to: starts[i + 1]});
    }
    await Promise.all(spans.map(async span => { span.bytes = await this.part(span.from, span.to); }));
    const decoder = new TextDecoder();
    return indexes.map(i => {
      const {from, bytes} = spans.find(span => span.from <= starts[i] && starts[i] < span.to);
      return JSON.parse(decoder.decode(bytes.subarray(starts[i] - from, starts[i + 1] - from)));
    });
  }
}

// One search, which goes on where it stopped. It gives months with their articles.

class Search {
  constructor(wanted, months) {
    this.wanted = wanted;
    this.months = months;
    this.next = 0;
    // Months that have been looked through: each with its segment, the articles found in it, and how
    // many of them have been given.
    this.left = [];
  }

  get ended() {
    return !this.left.length && this.next >= this.months.length;
  }

  async more() {
    const found = [];
    let number = 0;
    const last = Math.min(this.next + MONTHS, this.months.length);
    for (let wave = 1; number < SHOWN && (this.left.length || this.next < last); wave *= 2) {
      if (!this.left.length) {
        const months = this.months.slice(this.next, Math.min(this.next + wave, last));
        this.left = (await Promise.all(months.map(month => this.look(month)))).filter(Boolean);
        this.next += months.length;
      }
      while (this.left.length && number < SHOWN) {
        const [month] = this.left;
        const records = await this.records(month, SHOWN - number);
        if (month.given >= month.hits.length) this.left.shift();
        if (records.length) found.push({month, records});
        number += records.length;
      }
    }
    return {found, number};
  }

  async look(month) {
    return again(async () => {
      const segment = await Segment.open(month.key);
      const hits = segment ? await segment.matching(this.wanted) : [];
      return hits.length ? {given: 0, ...month, segment, hits} : null;
    });
  }

  // The next articles of a month, which is looked through anew if its segment has moved.
  async records(month, most) {
    return again(async () => {
      try {
        const records = await month.segment.records(month.hits.slice(month.given, month.given + most));
        month.given += records.length;
        return records;
      } catch (error) {
        if (error instanceof Moved) Object.assign(month, {hits: []}, await this.look(month));
        throw error;
      }
    });
  }
}

// The page

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// A text with the words that were looked for marked.
function marked(text, wanted) {
  const parts = [];
  let end = 0;
  const mark = (start, stop) => {
    const from = Math.max(start, end);
    if (from < stop) parts.push(text.slice(end, from), element('mark', {}, text.slice(from, stop)));
    end = Math.max(end, stop);
  };
  const asked = letters => wanted.has(words(letters)[0]);
  for (const {0: run, index} of text.matchAll(RUN))
    for (const {0: piece, index: offset} of run.matchAll(PIECE)) {
      const start = index + offset;
      if (!SOLID.test(piece)) {
        if (asked(piece)) mark(start, start + piece.length);
        continue;
      }
      for (const {1: pair, index: at} of piece.matchAll(/(?=(..?))/gsu)) {
        const [letter] = pair;
        const found = asked(pair) ? pair : asked(letter) ? letter : '';
        mark(start + at, start + at + found.length);
      }
    }
  return [...parts, text.slice(end)];
}

function article([order, path, title, dek, day, language], month, wanted) {
  const link = element('a', {href: `/articles/${path}/`}, ...marked(title, wanted));
  const time = element('time', {dateTime: new Date(LAST - order).toISOString()}, `${day} ${month.name}`);
  const made = element('article', {},
    element('h3', {}, link),
    element('p', {className: 'dek'}, ...marked(dek, wanted)),
    element('p', {className: 'meta', lang: document.documentElement.lang}, time));
  if (language) Object.assign(made, {lang: language, dir: 'auto'});
  return element('li', {}, made);
}

function start() {
  const [form, field, said, results, older, browse] =
    ['form.search', '#q', '#said', '#results', '#older', '#browse'].map(s => document.querySelector(s));
  const months = [...document.querySelectorAll('#months a')]
    .map(link => ({key: link.pathname.slice(1, -1), name: link.textContent}));
  let search;
  let shown = 0;
  let wanted;

  function show({month, records}) {
    const id = `m${month.key.replace('/', '-')}`;
    let list = document.querySelector(`#${id} + ol`);
    if (!list) {
      list = element('ol', {className: 'entries'});
      results.append(element('section', {}, element('h2', {className: 'heading2', id}, month.name), list));
      list.parentNode.setAttribute('aria-labelledby', id);
    }
    const items = records.map(record => article(record, month, wanted));
    list.append(...items);
    return items[0];
  }

  function tell(number) {
    const count = shown === 1 ? '1 article' : `${shown || 'No'} articles`;
    const back = months[search.next - 1];
    if (search.ended) return shown ? `${count} found.` : 'No article has all of these words.';
    if (shown && search.left.length) return `${count} found so far, and there are more.`;
    return `${count} found back to ${back.name}. ${number ? 'Older' : 'Still older'} ones can be looked for.`;
  }

  async function step(focus) {
    const mine = search;
    said.textContent = 'Searching …';
    older.disabled = true;
    try {
      const {found, number} = await mine.more();
      if (mine !== search) return;
      shown += number;
      const firsts = found.map(show);
      older.hidden = mine.ended;
      said.textContent = tell(number);
      if (focus) (firsts[0]?.querySelector('a') ?? said).focus();
    } catch (error) {
      if (mine !== search) return;
      older.hidden = true;
      said.textContent = 'The search did not work. Please try again in a moment.';
      console.error(error);
    } finally {
      older.disabled = false;
    }
  }

  function run() {
    const query = new URLSearchParams(location.search).get('q') ?? '';
    field.value = query;
    wanted = new Set([...new Set(words(query))].slice(0, WORDS));
    search = new Search([...wanted], months);
    shown = 0;
    results.replaceChildren();
    older.hidden = true;
    results.hidden = !wanted.size;
    browse.hidden = Boolean(wanted.size);
    said.textContent = query && !wanted.size ? 'Please type a word.' : '';
    if (wanted.size) step(false);
  }

  form.addEventListener('submit', event => {
    event.preventDefault();
    const query = new URLSearchParams({q: field.value});
    history.pushState(null, '', `?${query}`);
    run();
  });
  older.addEventListener('click', () => step(true));
  window.addEventListener('popstate', run);
  run();
}

if (typeof document !== 'undefined') start();
