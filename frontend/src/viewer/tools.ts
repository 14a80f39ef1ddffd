/** Which mouse button does what: one tool on the left button, zoom, pan and window always at hand. */

import {
  addTool,
  Enums,
  PanTool,
  ToolGroupManager,
  type Types as ToolTypes,
  WindowLevelTool,
  ZoomTool,
} from '@cornerstonejs/tools';
import { CrosshairTool, GuideTool } from './guide-tool';
import { LabelTool } from './label-tool';
import { MARK_TOOLS, markTools } from './mark-tools';
import { PaintTool } from './paint-tool';
import { PromptTool } from './prompt-tool';
import { SketchTool } from './sketch-tool';
import { SHAPES } from './shapes';
import { SuggestionTool } from './suggestion-tool';
import type { Tool } from './state';
import { DRAWN_KINDS } from './types';

const { MouseBindings, KeyboardBindings } = Enums;
const { Primary, Secondary, Auxiliary } = MouseBindings;
const CLASSES = [
  WindowLevelTool,
  PanTool,
  ZoomTool,
  ...MARK_TOOLS,
  PaintTool,
  SketchTool,
  PromptTool,
  SuggestionTool,
  LabelTool,
  GuideTool,
  CrosshairTool,
];

const ALWAYS: Record<string, { mouseButton: number; modifierKey?: number }[]> = {
  [PanTool.toolName]: [
    { mouseButton: Auxiliary },
    { mouseButton: Primary, modifierKey: KeyboardBindings.Shift },
  ],
  [ZoomTool.toolName]: [{ mouseButton: Secondary }],
  [WindowLevelTool.toolName]: [{ mouseButton: Primary, modifierKey: KeyboardBindings.Ctrl }],
};

const NAVIGATION: Partial<Record<Tool, string>> = {
  window: WindowLevelTool.toolName,
  pan: PanTool.toolName,
  zoom: ZoomTool.toolName,
  crosshairs: CrosshairTool.toolName,
  brush: PaintTool.toolName,
  eraser: PaintTool.toolName,
  threshold: PaintTool.toolName,
  scissors: SketchTool.toolName,
  polygon: SketchTool.toolName,
  prompt: PromptTool.toolName,
};
/** With Alt held down, the threshold brush takes its range from under the pointer, and a prompt its other sign. */
const WITH_ALT = { mouseButton: Primary, modifierKey: KeyboardBindings.Alt };
const usesAlt = (tool: Tool): boolean => tool === 'threshold' || tool === 'prompt';

const nameOf = (tool: Tool): string => NAVIGATION[tool] ?? SHAPES[tool as keyof typeof SHAPES].tool;

function registerTools(): void {
  for (const tool of CLASSES) addTool(tool);
}

let registered = false;

export class Toolbox {
  private readonly group: ToolTypes.IToolGroup;
  private current: Tool = 'window';

  constructor(
    private readonly id: string,
    viewportId: string,
    engineId: string,
  ) {
    if (!registered) registerTools();
    registered = true;
    this.group = ToolGroupManager.createToolGroup(id) as ToolTypes.IToolGroup;
    const own = [WindowLevelTool, PanTool, ZoomTool, PaintTool, SketchTool, PromptTool, CrosshairTool];
    for (const { toolName } of own) this.group.addTool(toolName);
    for (const [name, options] of markTools()) this.group.addTool(name, options);
    for (const { toolName } of [SuggestionTool, GuideTool, LabelTool]) {
      this.group.addTool(toolName);
      this.group.setToolEnabled(toolName);
    }
    this.group.addViewport(viewportId, engineId);
    this.select('window');
  }

  select(tool: Tool): void {
    for (const kind of DRAWN_KINDS) this.group.setToolPassive(SHAPES[kind].tool);
    this.group.setToolPassive(nameOf(this.current), { removeAllBindings: true });
    this.current = tool;
    const armed = nameOf(tool);
    for (const [name, bindings] of Object.entries(ALWAYS)) {
      const all = name === armed ? [{ mouseButton: Primary }, ...bindings] : bindings;
      this.group.setToolActive(name, { bindings: all });
    }
    const bindings = [{ mouseButton: Primary }, ...(usesAlt(tool) ? [WITH_ALT] : [])];
    if (!(armed in ALWAYS)) this.group.setToolActive(armed, { bindings });
  }

  close(): void {
    ToolGroupManager.destroyToolGroup(this.id);
  }
}
