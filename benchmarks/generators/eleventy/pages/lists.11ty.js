import { SITE, day, escape, page } from '../layouts/parts.js';

const at = ({ folder }, number) => `/${folder}${number > 1 ? `page/${number}/` : ''}`;

export const data = {
  pagination: { data: 'collections.lists', size: 1, alias: 'list' },
  permalink: ({ list }) => `${at(list, list.number)}index.html`,
};

const entry = ({ url, date, data: { title, summary, author, topics } }) => `<li>
<article>
<p class="kicker">${escape(topics[0])}</p>
<h2><a href="${url}">${escape(title)}</a></h2>
<p class="dek">${escape(summary)}</p>
<p class="meta"><time datetime="${date.toISOString()}">${day(date)}</time> <span>${escape(author)}</span></p>
</article>
</li>
`;

export function render({ list }) {
  const { folder, label, number, last, articles } = list;
  const head = label
    ? `<link rel="alternate" type="application/rss+xml" title="${escape(label)}" href="/${folder}rss.xml">\n`
    : '';
  const main = `<h1>${label ? escape(label) : 'Latest news'}</h1>
<ol class="entries">
${articles.map(entry).join('')}</ol>
<nav aria-label="Pages">
${number > 1 ? `<a href="${at(list, number - 1)}">Newer</a>` : ''}
${last ? '' : `<a href="${at(list, number + 1)}">Older</a>`}
</nav>`;
  return page(label ? `${label} – ${SITE}` : SITE, head, main);
}
