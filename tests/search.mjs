// Runs parts of the search page's script in Node.
//   node search.mjs SCRIPT   reads a job from stdin, writes what came of it to stdout
// A job: {texts} gives the words of each; {query, months, objects, changes} searches objects (base64
// by URL path) and tells what was found and asked for. `changes` replace objects before a request of
// that number; `whole` is of a server that knows no ranges.
import {readFileSync} from 'node:fs';

const [script] = process.argv.slice(2);
const {words, Search} = new Function(`${readFileSync(script, 'utf8')}; return {words, Search}`)();
const job = JSON.parse(readFileSync(0, 'utf8'));

function bytesOf(text) {
  const bytes = Buffer.from(text, 'base64');
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) >>> 0;
  return {bytes, tag: `"${sum}"`};
}

async function search({query, months, objects, changes = {}, whole = false, steps = 1}) {
  const asked = [];
  globalThis.fetch = async (url, {headers}) => {
    Object.assign(objects, changes[asked.length]);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.Range).map(Number);
    const size = to - from + 1;
    asked.push([url, from, size]);
    if (!objects[url]) return new Response('', {status: 404});
    const {bytes, tag} = bytesOf(objects[url]);
    if (whole) return new Response(bytes, {headers: {ETag: tag}});
    if (from >= bytes.length) return new Response('', {status: 416});
    return new Response(bytes.subarray(from, to + 1), {status: 206, headers: {ETag: tag}});
  };
  const wanted = [...new Set(words(query))];
  const going = new Search(wanted, months.map(key => ({key, name: key})));
  const found = [];
  for (let step = 0; step < steps && !going.ended; step++) found.push((await going.more()).found);
  return {
    steps: found.map(step => step.map(({month, records}) => [month.key, records.map(([, path]) => path)])),
    records: found.flat().flatMap(({records}) => records),
    ended: going.ended,
    asked,
  };
}

const result = job.texts ? job.texts.map(words) : await search(job);
process.stdout.write(JSON.stringify(result));
