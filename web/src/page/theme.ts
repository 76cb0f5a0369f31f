import type { SettingsStore } from './settings';

/** Shows the page in the chosen colors; the style sheet has both. */
export function mountTheme(settings: SettingsStore): void {
  const root = document.documentElement;
  const bars = [...document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]')];
  const [light, dark] = bars.map(({ content }) => content) as [string, string];
  settings.values.subscribe(({ theme }) => {
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    // The browser's own bar: each of the two stands for one color of the system.
    const content = { system: [light, dark], light: [light, light], dark: [dark, dark] }[theme];
    bars.forEach((bar, index) => {
      bar.content = content[index] as string;
    });
  });
}
