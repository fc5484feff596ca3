import { URL } from '../layouts/parts.js';

export const data = {
  permalink: '/sitemap.xml',
  eleventyImport: { collections: ['newest', 'lists'] },
};

const entry = ({ url, date }) =>
  `<url><loc>${URL}${url}</loc><lastmod>${date.toISOString()}</lastmod></url>\n`;

export const render = ({ collections }) => `<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
${collections.newest.map(entry).join('')}</urlset>
`;
