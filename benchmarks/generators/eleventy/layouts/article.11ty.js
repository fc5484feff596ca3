import { SITE, URL, day, escape, page, slug } from './parts.js';

export default function ({ title, summary, author, topics, content, page: { date, url } }) {
  const address = URL + url;
  const moment = date.toISOString();
  const data = {
    '@context': 'https://schema.org',
    '@type': 'NewsArticle',
    url: address,
    headline: title,
    description: summary,
    datePublished: moment,
    keywords: topics,
    author: { '@type': 'Person', name: author },
  };
  const head = `<meta name="description" content="${escape(summary)}">
<link rel="canonical" href="${address}">
<meta property="og:type" content="article">
<meta property="og:url" content="${address}">
<meta property="og:title" content="${escape(title)}">
<meta property="og:description" content="${escape(summary)}">
<meta property="og:site_name" content="${SITE}">
<meta property="article:published_time" content="${moment}">
${topics.map(topic => `<meta property="article:tag" content="${escape(topic)}">\n`).join('')}<meta name="author" content="${escape(author)}">
<script type="application/ld+json">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
`;
  const links = topics.map(topic => `<a href="/topics/${slug(topic)}/">${escape(topic)}</a>`);
  const main = `<article class="story">
<header>
<h1>${escape(title)}</h1>
<p class="dek">${escape(summary)}</p>
<p class="meta"><span class="by">By <b>${escape(author)}</b></span> <time datetime="${moment}">${day(date)}, ${moment.slice(11, 16)} UTC</time></p>
</header>
<div class="body">
${content}</div>
<p class="topics">Topics: ${links.join(', ')}</p>
</article>
<nav class="more" aria-label="More"><a href="/">Back to all news</a></nav>`;
  return page(`${title} – ${SITE}`, head, main);
}
