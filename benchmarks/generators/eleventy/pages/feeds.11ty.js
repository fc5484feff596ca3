import { SITE, URL, escape } from '../layouts/parts.js';

export const data = {
  pagination: { data: 'collections.feeds', size: 1, alias: 'feed' },
  permalink: ({ feed }) => `/${feed.folder}rss.xml`,
};

const item = ({ url, date, data: { title, summary, topics } }) => `<item>
<title>${escape(title)}</title>
<link>${URL}${url}</link>
<guid>${URL}${url}</guid>
<pubDate>${date.toUTCString()}</pubDate>
<description>${escape(summary)}</description>
${topics.map(topic => `<category>${escape(topic)}</category>\n`).join('')}</item>
`;

export const render = ({ feed: { folder, label, articles } }) => `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel>
<title>${escape(label || SITE)}</title>
<link>${URL}/${folder}</link>
<description>${escape(label || SITE)}</description>
${articles.map(item).join('')}</channel></rss>
`;
