// Before the first paint: colours, language and direction as they were chosen last on this device.
import { chosenLanguage, chosenTheme } from './chosen';

const root = document.documentElement;
const theme = chosenTheme();

root.lang = chosenLanguage();
root.dir = root.lang === 'he' ? 'rtl' : 'ltr';
if (theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)) root.dataset.theme = 'dark';
