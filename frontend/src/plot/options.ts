/** What uPlot is told: quiet axes, our looks, intervals as bands and whiskers. */
import uPlot from 'uplot';
import { type Joined, type Look, rangeOf } from './data';

export interface Axes {
  xLabel: string;
  yLabel: string;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  yBounds: readonly [number, number];
  /** The x axis begins at nothing spent. */
  fromZero: boolean;
  /** Whole numbers only on the x axis: labels, epochs, days. */
  wholeX: boolean;
}

interface Palette {
  ground: string;
  text: string;
  muted: string;
  faint: string;
  line: string;
  strong: string;
  accent: string;
}

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    ground: read('--surface'),
    text: read('--text'),
    muted: read('--muted'),
    faint: read('--faint'),
    line: read('--line'),
    strong: read('--line-strong'),
    accent: read('--accent'),
  };
}

/** More points than this get small markers. */
const CROWDED = 12;
const FONT = '12px "Inter Variable", system-ui, sans-serif';
export const DASHES: Record<Look, number[]> = {
  accent: [],
  plain: [6, 4],
  line: [],
  reference: [2, 4],
  bars: [],
  point: [],
};

const colourOf = (look: Look, palette: Palette): string =>
  ({
    accent: palette.accent,
    plain: palette.text,
    line: palette.accent,
    reference: palette.faint,
    bars: palette.accent,
    point: palette.text,
  })[look];

/** `#rrggbb` with an opacity. */
const faded = (colour: string, opacity: number): string =>
  colour +
  Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0');

function lineOf(look: Look, palette: Palette, count: number): uPlot.Series {
  const colour = colourOf(look, palette);
  const marked = look === 'accent' || look === 'plain';
  const series: uPlot.Series = {
    stroke: colour,
    width: look === 'reference' ? 1.25 : 2,
    dash: DASHES[look],
    spanGaps: true,
    points: {
      show: marked,
      size: count > CROWDED ? 5 : 8,
      width: count > CROWDED ? 1.25 : 2,
      stroke: colour,
      fill: look === 'accent' ? colour : palette.ground,
    },
  };
  if (look === 'point') {
    const points = { ...series.points, show: true, size: 11, width: 2, fill: palette.ground };
    return { ...series, width: 0, points };
  }
  if (look !== 'bars') return series;
  const paths = uPlot.paths.bars?.({ size: [0.7, 28], radius: 0.15 });
  return { ...series, width: 0, fill: faded(colour, 0.5), ...(paths ? { paths } : {}) };
}

const edge = (): uPlot.Series => ({ width: 0, spanGaps: true, points: { show: false } });

/** A thin line from the low to the high end of each interval, so that a single point shows its own. */
function whiskers(joined: Joined, looks: readonly Look[], palette: Palette) {
  return (plot: uPlot): void => {
    const { ctx } = plot;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    joined.series.forEach(({ low, high }, index) => {
      ctx.strokeStyle = faded(colourOf(looks[index] ?? 'plain', palette), 0.45);
      joined.x.forEach((x, row) => {
        const [from, to] = [low[row], high[row]];
        if (from == null || to == null) return;
        const at = Math.round(plot.valToPos(x, 'x', true)) + 0.5;
        ctx.beginPath();
        ctx.moveTo(at, plot.valToPos(from, 'y', true));
        ctx.lineTo(at, plot.valToPos(to, 'y', true));
        ctx.stroke();
      });
    });
    ctx.restore();
  };
}

function axis(label: string, format: (value: number) => string, palette: Palette): uPlot.Axis {
  return {
    label,
    labelSize: label ? 26 : 0,
    labelFont: FONT,
    font: FONT,
    stroke: palette.muted,
    gap: 6,
    grid: { stroke: palette.line, width: 1 },
    ticks: { show: false },
    border: { show: false },
    values: (_, splits) => splits.map(format),
  };
}

interface Request {
  joined: Joined;
  looks: readonly Look[];
  axes: Axes;
  palette: Palette;
  size: { width: number; height: number };
  onRow: (row: number | null) => void;
}

/** The columns in the order in which `optionsFor` describes them. */
export function columnsFor(joined: Joined): uPlot.AlignedData {
  const columns = joined.series.flatMap(({ y, low, high, hasInterval }) =>
    hasInterval ? [y, low, high] : [y],
  );
  return [joined.x, ...columns] as uPlot.AlignedData;
}

export function optionsFor({ joined, looks, axes, palette, size, onRow }: Request): uPlot.Options {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  joined.series.forEach(({ hasInterval }, index) => {
    const look = looks[index] ?? 'plain';
    series.push(lineOf(look, palette, joined.x.length));
    if (!hasInterval) return;
    bands.push({ series: [series.length + 1, series.length], fill: faded(colourOf(look, palette), 0.1) });
    series.push(edge(), edge());
  });
  const bars = looks.includes('bars');
  const [first, last] = [joined.x[0] ?? 0, joined.x.at(-1) ?? 1];
  const yAxis = { ...axis(axes.yLabel, axes.formatY, palette), size: 46 };
  const xAxis = { ...axis(axes.xLabel, axes.formatX, palette), size: 30, grid: { show: false } };
  return {
    ...size,
    series,
    bands,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars, size: 11, width: 2 } },
    scales: {
      x: {
        time: false,
        range: () => (bars ? [first - 0.6, last + 0.6] : xRange(axes.fromZero ? 0 : first, last)),
      },
      y: { range: (_, low, high) => rangeOf(bars ? 0 : low, high, axes.yBounds) },
    },
    axes: [axes.wholeX ? { ...xAxis, incrs: WHOLE_STEPS } : xAxis, yAxis],
    hooks: {
      draw: [whiskers(joined, looks, palette)],
      setCursor: [(plot) => onRow(plot.cursor.idx ?? null)],
    },
  };
}

const WHOLE_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000, 1_000_000,
];

function xRange(low: number, high: number): [number, number] {
  const margin = high > low ? (high - low) * 0.03 : Math.max(1, Math.abs(high) * 0.1);
  return [low === 0 ? 0 : low - margin, high + margin];
}
