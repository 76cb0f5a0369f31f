import type { Answer } from '../history/answer';
import type { Language, Messages } from '../messages';
import type { Usage } from '../service/usage';

/** What an answer took and cost. */
export function costText({ gpuSeconds, usd }: Usage, language: Language, messages: Messages): string {
  const others = usd.waking + usd.idle;
  const gpu = seconds(gpuSeconds, language);
  const all = money(usd.answer + others, language);
  return others > 0
    ? messages.answerCostWaking(gpu, all, money(others, language))
    : messages.answerCost(gpu, all);
}

/** What all of these took and cost; '' where none of them says. */
export function costOfAll(answers: Answer[], language: Language, messages: Messages): string {
  const usages = answers.flatMap(({ usage }) => (usage ? [usage] : []));
  if (usages.length === 0) return '';
  const gpu = usages.reduce((sum, { gpuSeconds }) => sum + gpuSeconds, 0);
  const all = usages.reduce((sum, { usd }) => sum + usd.answer + usd.waking + usd.idle, 0);
  return messages.historyCost(seconds(gpu, language), money(all, language));
}

/** Cents, and below them two digits of what there is. */
function money(usd: number, language: Language): string {
  return new Intl.NumberFormat(language, {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
    maximumSignificantDigits: 2,
    roundingPriority: 'morePrecision',
  }).format(usd);
}

function seconds(value: number, language: Language): string {
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: 'second',
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
}
