/** In words: when a round's ensemble takes over by itself, as the recipe of the model in use says. */
import { t } from '../../strings';
import { percent, plain } from '../../strings/format';

interface Promotion {
  level?: number;
  margin?: number;
}

export function ruleOf(config: Record<string, unknown> | undefined): string {
  const recipe = config?.['recipe'] as { promote?: Promotion } | undefined;
  if (!recipe) return '';
  const { level = 0.8, margin = 0 } = recipe.promote ?? {};
  return t('models.rule', { level: percent(level), margin: plain(margin, 3) });
}
