/** Label schemas to begin with. Each is whole and valid; its words are there to be changed. */

import type { Choice } from '../reading-room/types';
import type { Document } from './document';

const noYes = (no = 'No', yes = 'Yes'): Choice[] => [
  { value: 'no', label: no, key: '1' },
  { value: 'yes', label: yes, key: '2' },
];
const graded = (...labels: string[]): Choice[] =>
  labels.map((label, index) => ({ value: index + 1, label, key: String(index + 1) }));
const present = { question: 'abnormal', equals: 'yes' } as const;

export const TEMPLATES = {
  chest: {
    classes: [
      { code: 'opacity', name: 'Opacity', colour: '#e69f00', value: 1 },
      { code: 'nodule', name: 'Nodule or mass', colour: '#56b4e9', value: 2 },
    ],
    marks: ['box'],
    questions: [
      {
        code: 'quality',
        text: 'Image quality',
        type: 'choice',
        required: true,
        options: [
          { value: 'good', label: 'Good', key: '1' },
          { value: 'limited', label: 'Limited', key: '2' },
          { value: 'unreadable', label: 'Not readable', key: '3' },
        ],
      },
      {
        code: 'abnormal',
        text: 'Is there a finding?',
        type: 'choice',
        required: true,
        options: noYes(),
        show_if: { question: 'quality', any_of: ['good', 'limited'] },
      },
      {
        code: 'findings',
        text: 'Which findings?',
        type: 'multichoice',
        required: true,
        show_if: present,
        options: [
          { value: 'consolidation', label: 'Consolidation' },
          { value: 'effusion', label: 'Pleural effusion' },
          { value: 'pneumothorax', label: 'Pneumothorax' },
          { value: 'nodule', label: 'Nodule or mass' },
          { value: 'cardiomegaly', label: 'Cardiomegaly' },
          { value: 'other', label: 'Other' },
        ],
      },
      {
        code: 'remark',
        text: 'Which other finding?',
        type: 'text',
        show_if: { question: 'findings', equals: 'other' },
      },
    ],
    rules: [
      {
        code: 'nodule-marked',
        if: { question: 'findings', equals: 'nodule' },
        then: { some: 'mark', class: 'nodule' },
        message: 'You saw a nodule or mass: put a box around it.',
      },
    ],
    guideline: 'Read the whole film once before answering.',
  },
  lesions: {
    classes: [
      { code: 'lesion', name: 'Lesion', colour: '#e69f00', value: 1, marks: ['contour', 'bidirectional'] },
    ],
    marks: ['contour', 'bidirectional'],
    questions: [
      { code: 'abnormal', text: 'Is there a lesion?', type: 'choice', required: true, options: noYes() },
      {
        code: 'malignancy',
        text: 'How likely is it to be malignant?',
        level: 'mark',
        type: 'scale',
        required: true,
        options: graded(
          'Highly unlikely',
          'Moderately unlikely',
          'Indeterminate',
          'Moderately suspicious',
          'Highly suspicious',
        ),
      },
    ],
    rules: [
      {
        code: 'lesion-marked',
        if: present,
        then: { some: 'mark', class: 'lesion' },
        message: 'You found a lesion: mark it.',
      },
    ],
    guideline: 'Mark each lesion on every slice on which you see it.',
  },
  segmentation: {
    classes: [
      { code: 'organ', name: 'Organ', colour: '#56b4e9', value: 1, category: 'anatomy' },
      { code: 'lesion', name: 'Lesion', colour: '#e69f00', value: 2, category: 'abnormality' },
    ],
    marks: ['labelmap'],
    required_marks: ['labelmap'],
    questions: [
      {
        code: 'confidence',
        text: 'How sure are you of the border?',
        type: 'scale',
        options: graded('Not sure', 'Fairly sure', 'Sure'),
      },
    ],
    guideline: 'Paint the organ first, then the lesion over it.',
  },
  landmarks: {
    classes: [
      {
        code: 'left-femoral-head',
        name: 'Left femoral head',
        colour: '#e69f00',
        value: 1,
        marks: ['landmark'],
      },
      {
        code: 'right-femoral-head',
        name: 'Right femoral head',
        colour: '#56b4e9',
        value: 2,
        marks: ['landmark'],
      },
      {
        code: 'sacral-promontory',
        name: 'Sacral promontory',
        colour: '#2fb68f',
        value: 3,
        marks: ['landmark'],
      },
    ],
    marks: ['landmark'],
    required_marks: ['landmark'],
    guideline: 'Set the points in the order of the list.',
  },
  classification: {
    questions: [
      {
        code: 'abnormal',
        text: 'Is the examination abnormal?',
        type: 'choice',
        required: true,
        options: noYes('Normal', 'Abnormal'),
      },
    ],
  },
} satisfies Record<string, Document>;

export type Template = keyof typeof TEMPLATES;
