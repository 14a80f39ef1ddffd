/** Segmentation interactive : les amorces sur l’image, et le masque qui en revient. */
import type { prompts as english } from '../en/prompts';
import type { Translation } from '../shape';

export const prompts: Translation<typeof english> = {
  'layer.prompt': 'Amorces',
  'tool.prompt': 'Segmenter par amorces',

  'prompt.options': 'Réglages des amorces',
  'prompt.method': 'Méthode',
  'method.random_walk': 'Marche aléatoire',
  'method.random_walkText':
    'Classique, sans apprentissage. Suit les bords et l’intensité à partir de vos amorces, à 25 mm au plus des points, ou dans le rectangle tracé. Des structures contiguës de même intensité demandent des amorces négatives.',
  'method.network': 'Réseau entraîné',
  'method.networkText':
    'Le réseau en service dans ce projet, guidé par vos amorces : là où vous indiquez dedans ou dehors, c’est vous qui avez raison.',
  'prompt.sign': 'Sens de la prochaine amorce',
  'prompt.positive': 'Dedans',
  'prompt.negative': 'Dehors',
  'prompt.signHint': 'Avec Alt enfoncé, l’inverse',
  'prompt.drag': 'Tracé en faisant glisser',
  'prompt.scribble': 'Trait',
  'prompt.box': 'Rectangle',
  'prompt.extent': 'Étendue du masque',
  'prompt.image': 'Cette image',
  'prompt.volume': 'Images voisines',
  'prompt.hint': 'Cliquez dans la structure, ou entourez-la d’un rectangle.',
  'prompt.count': { one: '{n} amorce', other: '{n} amorces' },
  'prompt.voxels': '{voxels} voxels sur {images}',
  'prompt.images': { one: '{n} image', other: '{n} images' },
  'prompt.accept': 'Accepter',
  'prompt.discard': 'Abandonner',
  'prompt.preview': 'Aperçu : {label}',
  'prompt.working': 'Calcul du masque…',
  'prompt.stop': 'Arrêter',
  'prompt.stopped': 'Arrêté. Les amorces sont conservées ; ajoutez-en une pour relancer le calcul.',
  'prompt.loading': 'Recherche des méthodes disponibles…',
  'prompt.noMethods': 'Aucune méthode n’est disponible. {reason}',
  'prompt.unavailable': '{method} : {reason}',
  'prompt.notLearnt': '« {label} » ne fait pas partie des classes que le réseau a apprises.',
  'prompt.acrossImages':
    'Des amorces traversent plusieurs images : le masque s’étend donc aux images voisines.',
  'prompt.elsewhere': 'Acceptez ou abandonnez d’abord l’aperçu de l’image {number}.',
  'prompt.otherSeries': 'Acceptez ou abandonnez d’abord l’aperçu de l’autre série.',
  'prompt.outside': 'Cet endroit est hors de l’image.',
  'prompt.damaged': 'Le masque est arrivé endommagé. Placez une nouvelle amorce.',
  'prompt.nothing':
    'Il n’y a rien à peindre : « {label} » couvre déjà cette zone, ou d’autres segments sont verrouillés.',
  'prompt.none': 'Ces amorces n’ont donné aucun masque. Ajoutez-en une autre, ou retirez la dernière.',

  'step.prompted': 'segmenter {label} par amorces',

  'key.promptSign': 'Amorces : dedans ou dehors',
  'key.promptDrag': 'Amorces en faisant glisser : trait ou rectangle',
  'key.promptExtent': 'Amorces : cette image ou les images voisines',
  'key.promptMethod': 'Méthode suivante pour les amorces',
  'key.promptAccept': 'Accepter le segment en aperçu',
};
