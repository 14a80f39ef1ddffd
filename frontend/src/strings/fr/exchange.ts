/** Annotations faites ailleurs, et lectures renvoyées au serveur d’images. */
import type { exchange as english } from '../en/exchange';
import type { Translation } from '../shape';

export const exchange: Translation<typeof english> = {
  'outside.title': 'Annotations faites ailleurs',
  'outside.note':
    'Des objets DICOM SEG, SR ou RTSTRUCT, ou des masques NIfTI, deviennent les lectures d’une source nommée. Elle ne compte jamais comme un lecteur, sauf si vous le décidez.',
  'outside.source': 'Source',
  'outside.new': 'Nouvelle source',
  'outside.newText':
    'Nommez la personne ou le programme qui a fait les annotations. Ce nom reste attaché à chacune comme origine.',
  'outside.name': 'Nom',
  'outside.nameHint': 'Par exemple un programme et sa version, un site ou une étude antérieure.',
  'outside.nameNeeded': 'Donnez un nom à la source.',
  'outside.counts': 'Compte comme un lecteur',
  'outside.countsHint':
    'Ses lectures remplissent les lectures attendues et entrent dans la référence, comme celles d’un lecteur.',
  'outside.add': 'Ajouter la source',
  'outside.added': 'La source « {name} » est ajoutée.',
  'outside.files': 'Choisir des fichiers d’annotations',
  'outside.store': 'Chercher sur le serveur d’images',
  'outside.storeHint': 'Lit les objets SEG, SR et RTSTRUCT rangés avec les images de ce projet.',
  'outside.looking': 'Les objets du serveur d’images sont en cours de lecture.',
  'outside.reads': { one: '{n} lecture', other: '{n} lectures' },
  'outside.empty': 'Aucune annotation n’a encore été reprise. Ajoutez d’abord une source.',
  'outside.classes': 'Classes',
  'outside.classesOf': 'Classes de {name}',
  'outside.classesText':
    'Le nom que cette source donne à une chose, et la classe qui lui correspond ici. Les noms identiques n’ont pas besoin de ligne.',
  'outside.its': 'Son nom',
  'outside.ours': 'Notre classe',
  'outside.leaveOut': 'Ignorer',
  'outside.undecided': 'Non décidé',
  'outside.save': 'Enregistrer',
  'outside.saved':
    'Enregistré. Contrôlez de nouveau les fichiers en quarantaine pour les lire avec ces classes.',
  'outside.nameThem': 'Nommer les classes',
  'outside.noNames': 'Jusqu’ici, chaque nom correspond à une classe du même nom.',
  'outside.report': 'Rapport',
  'outside.reportOf': 'Annotations de {source}',
  'outside.reportText': 'Ce qui a été repris de chaque fichier, et ce qui a été laissé de côté.',
  'outside.of': 'Annotations de {source}',

  'back.title': 'Renvoi au serveur d’images',
  'back.note':
    'Les lectures comme objets DICOM auprès de leurs images : annotations et réponses en compte rendu structuré, masques en segmentation.',
  'back.rule': 'Quand',
  'back.never': 'Seulement sur demande',
  'back.submit': 'Après chaque validation',
  'back.superseded': 'Objets d’une lecture corrigée',
  'back.remove': 'Retirés de l’archive d’images',
  'back.keep': 'Conservés, cités comme prédécesseurs',
  'back.ruleSaved': 'La règle est modifiée.',
  'back.all': 'Tout renvoyer maintenant',
  'back.asked': {
    one: '{n} lecture est en route vers le serveur d’images.',
    other: '{n} lectures sont en route vers le serveur d’images.',
  },
  'back.none': 'Toutes les lectures y sont déjà.',
  'back.stored': { one: '{n} lecture renvoyée', other: '{n} lectures renvoyées' },
  'back.waiting': '{n} en route',
  'back.failed': '{n} en échec',
  'back.why': 'Motif',
  'back.tries': 'Essais',
  'back.case': 'Renvoyer',
  'back.caseNamed': 'Renvoyer les lectures du cas {id} au serveur d’images',
};
