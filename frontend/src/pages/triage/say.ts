/** Numbers of triage as people read them. */
import { decimal } from '../../strings/format';

/** A share as per cent, with as many digits as it takes to tell it from zero. */
export const share = (value: number): string => {
  const hundredths = value * 100;
  return `${decimal(hundredths, hundredths !== 0 && hundredths < 1 ? 2 : 1)} %`;
};

export const probability = (value: number): string => decimal(value, value < 0.01 ? 4 : 3);
