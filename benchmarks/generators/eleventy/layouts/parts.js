// What the templates share.
const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;' };
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

export const SITE = 'Broadsheet';
export const URL = 'https://news.example';

export const escape = text => text.replace(/[&<>"]/g, character => ESCAPES[character]);

export const day = date => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;

export const slug = label => label.toLowerCase();

export const page = (title, head, main) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
${head}<link rel="alternate" type="application/rss+xml" title="${SITE}" href="/rss.xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="top"><div class="masthead"><a href="/">${SITE}</a></div>
<nav aria-label="Site"><a href="/">All news</a></nav></header>
<main id="main">
${main}
</main>
<footer class="bottom"><nav aria-label="About this site"><a href="/rss.xml">RSS</a></nav></footer>
</body>
</html>
`;
