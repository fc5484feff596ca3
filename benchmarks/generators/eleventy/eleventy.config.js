// What benchmarks/beside.py builds with Eleventy: articles, the home page and topics by pages of
// 30, feeds and a sitemap. Templates are plain functions, the fastest that Eleventy has.
const SIZE = 30;

const paged = (folder, label, articles) =>
  Array.from({ length: Math.max(1, Math.ceil(articles.length / SIZE)) }, (_, i) => ({
    folder,
    label,
    number: i + 1,
    last: (i + 1) * SIZE >= articles.length,
    articles: articles.slice(i * SIZE, (i + 1) * SIZE),
  }));

const slug = label => label.toLowerCase();

export default function (config) {
  const newest = api => api.getFilteredByGlob('content/**/*.md').sort((a, b) => b.date - a.date);
  const scopes = api => {
    const articles = newest(api);
    const topics = new Map();
    for (const article of articles)
      for (const topic of article.data.topics) {
        if (!topics.has(topic)) topics.set(topic, []);
        topics.get(topic).push(article);
      }
    return [
      { folder: '', label: '', articles },
      ...[...topics].map(([label, own]) => ({ folder: `topics/${slug(label)}/`, label, articles: own })),
    ];
  };
  config.addCollection('newest', newest);
  config.addCollection('lists', api =>
    scopes(api).flatMap(({ folder, label, articles }) => paged(folder, label, articles)));
  config.addCollection('feeds', api =>
    scopes(api).map(scope => ({ ...scope, articles: scope.articles.slice(0, SIZE) })));
  config.setQuietMode(true);
  return {
    dir: { input: '.', includes: 'layouts', output: 'public' },
    markdownTemplateEngine: false,
  };
}
