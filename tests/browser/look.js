// What can be read off a page once it stands in a browser. Each check gives a list of what is wrong.
'use strict';

window.look = (() => {
  const all = selector => [...document.querySelectorAll(selector)];
  const shown = element => element.checkVisibility({visibilityProperty: true});
  const style = element => getComputedStyle(element);
  const words = element => element.textContent.trim().replace(/\s+/g, ' ');
  const named = element => {
    const name = element.localName + (element.className ? `.${[...element.classList].join('.')}` : '');
    return `${name} “${words(element).slice(0, 60)}”`;
  };
  const FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
  const links = () => all(FOCUSABLE).filter(shown);
  const scrolls = element => /auto|scroll/.test(style(element).overflowX);

  // Seen of an element that has the focus; the same without it means that nothing shows.
  const dress = element => {
    const {outlineStyle, outlineWidth, boxShadow, backgroundColor, borderColor} = style(element);
    const outline = outlineStyle === 'none' ? '' : outlineWidth;
    return [outline, boxShadow, backgroundColor, borderColor].join('|');
  };

  // A link in a sentence is as high as its line.
  const inSentence = link => {
    if (style(link).display !== 'inline') return false;
    const block = link.parentElement.closest('p, li, td, th, dd, dt, figcaption, caption, h1, h2, h3');
    const text = block?.cloneNode(true);
    text?.querySelectorAll('a').forEach(a => a.remove());
    return /[\p{L}\p{N}]/u.test(text?.textContent ?? '');
  };

  return {
    // Nothing is wider than the page, and nothing is cut off.
    overflow() {
      const width = document.documentElement.clientWidth;
      const found = [];
      if (document.documentElement.scrollWidth > width) {
        const wide = all('body *').filter(element => {
          const {left, right} = element.getBoundingClientRect();
          return (right > width + 1 || left < -1) && shown(element)
            && !element.closest('.skip') && !element.parentElement.closest('pre, table');
        });
        found.push(`${document.documentElement.scrollWidth} px wide: ${wide.slice(-3).map(named)}`);
      }
      for (const element of all('body *')) {
        const {overflowX, overflowY} = style(element);
        if (element.clientWidth <= 1 || !shown(element)) continue;
        if (/hidden|clip/.test(overflowX) && element.scrollWidth > element.clientWidth + 1
            || /hidden|clip/.test(overflowY) && element.scrollHeight > element.clientHeight + 1)
          found.push(`cut off: ${named(element)}`);
      }
      return found;
    },

    // One h1, first of all in the main part, and no level left out on the way down.
    headings() {
      const found = [];
      const headings = all('h1, h2, h3, h4, h5, h6').filter(shown);
      const levels = headings.map(heading => Number(heading.localName[1]));
      if (levels.filter(level => level === 1).length !== 1) found.push(`levels ${levels}`);
      levels.reduce((before, level, i) => {
        if (level > before + 1) found.push(`${named(headings[i])} follows an h${before}`);
        return level;
      }, 0);
      found.push(...headings.filter(heading => !words(heading)).map(() => 'an empty heading'));
      found.push(...all('.body h1').map(named));
      return found;
    },

    landmarks() {
      const found = [];
      for (const [name, selector] of Object.entries({
        banner: 'body > header', main: 'main', contentinfo: 'body > footer',
      })) if (all(selector).filter(shown).length !== 1) found.push(`not one ${name}`);
      const navs = all('nav').map(nav => nav.getAttribute('aria-label')
        ?? document.getElementById(nav.getAttribute('aria-labelledby'))?.textContent);
      if (new Set(navs).size !== navs.length || navs.some(name => !name))
        found.push(`navigations named ${navs.join(', ')}`);
      if (!document.documentElement.lang) found.push('no language');
      return found;
    },

    // WCAG 2.5.8, without its exception for targets with room around them.
    targets() {
      return links().filter(link => !inSentence(link) && link !== document.activeElement)
        .filter(link => !link.matches('.skip'))
        .map(link => [link, link.getBoundingClientRect()])
        .filter(([, {width, height}]) => Math.min(width, height) < 24)
        .map(([link, {width, height}]) => `${width.toFixed(1)} × ${height.toFixed(1)} px: ${named(link)}`);
    },

    times() {
      return all('time')
        .map(time => time.getAttribute('datetime'))
        .filter(value => !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value))
        .map(value => `time without offset: ${value}`);
    },

    motion() {
      const moving = all('body *').filter(element =>
        [style(element).transitionDuration, style(element).animationDuration]
          .some(durations => durations.split(', ').some(duration => parseFloat(duration) > 0.01)));
      return moving.map(named);
    },

    // Under forced colours the reader's own apply, to all.
    colours() {
      return all('body *').filter(e => style(e).forcedColorAdjust === 'none').map(named);
    },

    print() {
      const found = all('nav, .skip').filter(shown).map(named);
      if (!document.querySelector('main')?.checkVisibility()) found.push('no main part');
      return found;
    },

    shift: () => new Promise(done => {
      const shifts = [];
      const take = list => shifts.push(...list.getEntries().map(({value, sources}) =>
        `${value.toFixed(3)} by ${sources.map(({node}) => node?.localName ?? '?')}`));
      new PerformanceObserver(take).observe({type: 'layout-shift', buffered: true});
      setTimeout(() => done(shifts), 50);
    }),

    // A sheet that the page's policy does not concern. With it all of the page is laid out, not only
    // what is on the screen.
    wear(css) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`* { content-visibility: visible !important } ${css}`);
      document.adoptedStyleSheets = [sheet];
    },

    undressed() {
      window.looks = new Map(links().map(element => [element, dress(element)]));
      return window.looks.size;
    },

    // What has the focus now, and whether anybody can see that.
    focused() {
      const element = document.activeElement;
      const {top, left, width, height} = element.getBoundingClientRect();
      const visible = width > 1 && height > 1 && left + width > 0 && top + height > 0;
      return {
        name: named(element),
        none: element === document.body,
        inHeader: Boolean(element.closest('body > header, .skip')),
        isSkip: element.matches('a[href^="#"]'),
        seen: visible && (!window.looks.has(element) || window.looks.get(element) !== dress(element)),
      };
    },

    text: () => document.body.innerText,
  };
})();
