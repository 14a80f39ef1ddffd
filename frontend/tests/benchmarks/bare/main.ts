/**
 * A series in Cornerstone3D and nothing else: its own loader, prefetch, wheel, brush and undo, as they come.
 * The address says which series (`series=id:case`, several to change between), how large the picture
 * is and how large the brush. One drawing context instead of seven, which would take seconds to make.
 */

import { cache, imageLoader, init, RenderingEngine, Enums, utilities, type Types } from '@cornerstonejs/core';
import { init as initLoader, wadors } from '@cornerstonejs/dicom-image-loader';
import {
  addTool,
  BrushTool,
  Enums as ToolEnums,
  init as initTools,
  segmentation,
  StackScrollTool,
  ToolGroupManager,
  utilities as toolUtilities,
} from '@cornerstonejs/tools';
import type { SeriesDisplay } from '../../../src/viewer/types';
import { dicomJson } from './metadata';

const given = new URL(location.href).searchParams;
const number = (name: string) => Number(given.get(name));
const { MouseBindings, SegmentationRepresentations } = ToolEnums;
const LABELMAP = SegmentationRepresentations.Labelmap;

async function describe(pair: string): Promise<string[]> {
  const [id, caseId] = pair.split(':');
  const response = await fetch(`/api/series/${id}?case=${caseId}`);
  const series = (await response.json()) as SeriesDisplay;
  return series.frames.map((frame, index) => {
    const address = new URL(series.frames_url.replace('{index}', String(index)), location.origin);
    const imageId = `wadors:${address}`;
    wadors.metaDataManager.add(imageId, dicomJson(series, frame) as never);
    return imageId;
  });
}

function makeTools(engine: string, viewport: string) {
  addTool(StackScrollTool);
  addTool(BrushTool);
  const group = ToolGroupManager.createToolGroup('tools');
  group?.addViewport(viewport, engine);
  group?.addTool(StackScrollTool.toolName);
  group?.addTool(BrushTool.toolName);
  group?.setToolActive(StackScrollTool.toolName, { bindings: [{ mouseButton: MouseBindings.Wheel }] });
  return () => {
    toolUtilities.segmentation.setBrushSizeForToolGroup('tools', number('radius'));
    group?.setToolActive(BrushTool.toolName, { bindings: [{ mouseButton: MouseBindings.Primary }] });
  };
}

async function main(): Promise<void> {
  const element = document.getElementById('viewport') as HTMLDivElement;
  element.style.width = `${number('width')}px`;
  element.style.height = `${number('height')}px`;
  element.addEventListener('contextmenu', (event) => event.preventDefault());
  const asked = Promise.all((given.get('series') ?? '').split(',').map(describe));
  init({ rendering: { webGlContextCount: 1 } } as Parameters<typeof init>[0]);
  initLoader();
  initTools();
  const engine = new RenderingEngine('engine');
  engine.enableElement({ viewportId: 'stack', type: Enums.ViewportType.STACK, element });
  const viewport = engine.getViewport('stack') as Types.IStackViewport;
  const holdBrush = makeTools('engine', 'stack');

  const stacks = await asked;
  let shown = 0;
  const show = async (which: number) => {
    shown = which;
    await viewport.setStack(stacks[which] as string[], 0);
    viewport.render();
  };
  await show(0);
  toolUtilities.stackPrefetch.enable(element);

  addEventListener('keydown', (event) => {
    if (event.key === 'n') void show((shown + 1) % stacks.length);
    if (event.key === 'z' && event.ctrlKey) utilities.HistoryMemo.DefaultHistoryMemo.undo();
  });

  const bare = {
    viewport,
    loaded: () => stacks.flat().filter((id) => cache.getImage(id)).length,
    loadAll: () => Promise.all(stacks.flat().map((id) => imageLoader.loadAndCacheImage(id))),
    async brush() {
      const images = stacks[shown] as string[];
      const overlays = imageLoader.createAndCacheDerivedLabelmapImages(images);
      const imageIds = overlays.map(({ imageId }) => imageId);
      segmentation.addSegmentations([
        { segmentationId: 'mask', representation: { type: LABELMAP, data: { imageIds } } },
      ]);
      segmentation.addLabelmapRepresentationToViewport('stack', [{ segmentationId: 'mask', type: LABELMAP }]);
      segmentation.segmentIndex.setActiveSegmentIndex('mask', 1);
      holdBrush();
    },
  };
  Object.assign(window, { bare });
}

void main();
