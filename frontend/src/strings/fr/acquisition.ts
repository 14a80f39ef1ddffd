/** Ce qui classe les cas, et ce dont se composent les scores. */
import type { acquisition as english } from '../en/acquisition';
import type { Translation } from '../shape';

export const acquisition: Translation<typeof english> = {
  'acquisition.random': 'Tirage au hasard',
  'acquisition.stratified_random': 'Au hasard, chaque strate à son tour',
  'acquisition.foreground_random': 'Au hasard, surtout là où il peut y avoir quelque chose',
  'acquisition.least_confidence': 'Confiance minimale',
  'acquisition.margin': 'Marge',
  'acquisition.power_margin': 'Marge, par tirage',
  'acquisition.entropy': 'Entropie',
  'acquisition.bald': 'BALD, par tirage',
  'acquisition.disagreement': 'Désaccord',
  'acquisition.falcun': 'Falcun',
  'acquisition.badge': 'BADGE',
  'acquisition.kcenter': 'k-center',
  'acquisition.typiclust': 'TypiClust',
  'acquisition.probcover': 'ProbCover',
  'acquisition.herding': 'Herding par incertitude',
  'acquisition.density': 'Incertitude pondérée par la densité',
  'acquisition.foreground_entropy': 'Entropie du premier plan',
  'acquisition.part_doubt': 'Doute sur les éléments',
  'acquisition.box_doubt': 'Doute sur les rectangles',

  'acquisitionNote.random': 'Chaque cas avait la même probabilité.',
  'acquisitionNote.stratified_random':
    'Les strates passent chacune à son tour ; dans une strate, chaque cas avait la même probabilité.',
  'acquisitionNote.foreground_random': 'Tiré surtout parmi les cas où les réseaux voient quelque chose.',
  'acquisitionNote.least_confidence': 'Même la réponse la plus probable l’est peu.',
  'acquisitionNote.margin': 'Les deux réponses les plus probables le sont presque autant l’une que l’autre.',
  'acquisitionNote.power_margin':
    'Tiré au sort, avec d’autant plus de chances que les deux réponses les plus probables sont proches.',
  'acquisitionNote.entropy': 'Les réseaux répartissent leur réponse entre les classes.',
  'acquisitionNote.bald':
    'Tiré au sort, avec d’autant plus de chances que la réponse renseigne sur le modèle.',
  'acquisitionNote.disagreement': 'Les réseaux se contredisent.',
  'acquisitionNote.falcun':
    'Les réseaux hésitent, et leur réponse diffère de celle qu’ils donnent pour les autres cas choisis.',
  'acquisitionNote.badge':
    'La réponse changerait beaucoup les réseaux, et autrement que celle des autres cas choisis.',
  'acquisitionNote.kcenter': 'Différent de tout ce qui est annoté ou choisi.',
  'acquisitionNote.typiclust': 'Typique d’un genre de cas qui n’a pas encore d’annotation.',
  'acquisitionNote.probcover': 'Beaucoup de cas lui ressemblent, et aucun d’eux n’est annoté.',
  'acquisitionNote.herding':
    'Il représente beaucoup de cas sur lesquels les réseaux hésitent et dont aucun cas annoté n’est proche.',
  'acquisitionNote.density': 'Les réseaux hésitent, et il ressemble à beaucoup d’autres cas.',
  'acquisitionNote.foreground_entropy': 'Les réseaux hésitent sur l’emplacement d’une structure.',
  'acquisitionNote.part_doubt': 'Les réseaux hésitent sur une anomalie, un point ou une valeur.',
  'acquisitionNote.box_doubt': 'Les réseaux hésitent sur une anomalie, ou sur son emplacement.',

  'component.uncertainty': 'Incertitude',
  'component.disagreement': 'Désaccord des réseaux',
  'component.draw': 'Tirage au sort',
  'component.stratum': 'Numéro de la strate',
  'component.foreground': 'Probabilité qu’il y ait quelque chose',
  'component.shortfall': 'Manque de confiance',
  'component.entropy': 'Entropie',
  'component.information': 'Ce que la réponse apprend sur le modèle',
  'component.distance': 'Distance à ce qui était déjà annoté ou choisi',
  'component.gradient': 'Ampleur du changement que la réponse apporterait au modèle',
  'component.typicality': 'Caractère typique',
  'component.cluster_size': 'Cas du même genre',
  'component.coverage': 'Part de la réserve nouvellement couverte',
  'component.density': 'Ressemblance avec la réserve',
};
