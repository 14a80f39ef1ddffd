/** Ce que le modèle suggère aux lecteurs, et ce qu’ils en ont fait. */
import type { suggestions as english } from '../en/suggestions';
import type { Translation } from '../shape';

export const suggestions: Translation<typeof english> = {
  'suggestions.ai': 'IA',
  'suggestions.title': 'Suggestions',
  'suggestions.tagged': 'IA {what}',
  'suggestions.round': 'modèle du cycle {round}',
  'suggestions.hide': 'Masquer les suggestions',
  'suggestions.hidden': 'Masquées. Sans décision de votre part, elles comptent comme laissées de côté.',
  'suggestions.loading': 'Chargement des suggestions…',
  'suggestions.failed':
    'Les suggestions n’ont pas pu être chargées ; la lecture continue sans elles. {reason}',
  'suggestions.none': 'Le modèle n’annote rien ici.',
  'suggestions.wait':
    'Le modèle a examiné ce cas. Son avis s’affiche une fois votre propre lecture enregistrée.',
  'suggestions.committed':
    'Votre propre lecture de {when} est conservée telle quelle. Modifiez ce que vous voulez, puis validez : la lecture finale peut différer.',
  'suggestions.commit': 'Enregistrer ma lecture',
  'suggestions.readyToCommit': 'Prêt à enregistrer votre propre lecture',
  'suggestions.committing': 'Enregistrement…',
  'suggestions.commitUnanswered':
    'Le serveur n’a pas répondu : votre propre lecture n’est pas encore enregistrée. Votre travail est conservé ; réessayez.',
  'suggestions.accepted': 'acceptée',
  'suggestions.edited': 'modifiée',
  'suggestions.rejected': 'rejetée',
  'suggestions.accept': 'Accepter : {what}',
  'suggestions.reject': 'Rejeter : {what}',
  'suggestions.acceptAll': 'Tout accepter',
  'suggestions.opacity': 'Opacité',

  'step.accepted': 'accepter l’IA : {what}',
  'step.acceptedAll': 'accepter toutes les suggestions de l’IA',
  'step.rejected': 'rejeter l’IA : {what}',

  'key.accept': 'Accepter la suggestion',
  'key.acceptAll': 'Accepter toutes les suggestions',
  'key.reject': 'Rejeter la suggestion',
  'key.toggleSuggestions': 'Afficher ou masquer les suggestions',
  'key.fainter': 'Suggestions moins visibles',
  'key.stronger': 'Suggestions plus visibles',

  'assistance.title': 'Suggestions aux lecteurs',
  'assistance.note':
    'Ce que les lecteurs ont fait de ce que le modèle leur a montré. Jamais affichées dans les projets en aveugle, dans les cas de test réservé ou d’étalonnage, ni en double lecture.',
  'assistance.mode': 'Les lecteurs voient les suggestions du modèle',
  'assistance.off': 'Jamais',
  'assistance.offText': 'Les lecteurs travaillent sans assistance.',
  'assistance.at_once': 'Dès le début',
  'assistance.at_onceText': 'Le plus rapide ; les lectures peuvent pencher vers le modèle.',
  'assistance.reader_first': 'Après leur propre lecture',
  'assistance.reader_firstText':
    'Le lecteur enregistre une première lecture, qui est conservée, puis voit le modèle et valide la lecture finale.',
  'assistance.unblind':
    'Les lecteurs sont aujourd’hui en aveugle du modèle. Enregistrer y met fin : ils verront son avis.',
  'assistance.saved': 'Enregistré. Vaut à partir du prochain cas qu’un lecteur ouvre.',
  'assistance.empty': 'Aucun lecteur n’a encore vu de suggestion',
  'assistance.emptyText':
    'Quand les suggestions sont activées et qu’un modèle est en service, elles sont préparées en arrière-plan pour les prochains cas à lire.',
  'assistance.kind': 'Suggéré',
  'assistance.answers': 'réponses',
  'assistance.masks': 'masques',
  'assistance.marks': 'annotations',
  'assistance.reads': { one: '{n} lecture', other: '{n} lectures' },
  'assistance.save': 'Enregistrer',
  'assistance.accepted': 'Acceptées',
  'assistance.edited': 'Modifiées',
  'assistance.rejected': 'Rejetées',
  'assistance.ignored': 'Laissées de côté',
  'assistance.rate': 'Acceptées telles quelles',
  'assistance.effort': 'Retouches',
  'assistance.dice': 'Dice {value}',
  'assistance.moved': 'déplacement de {mm} mm',
  'assistance.agree': '{percent} % finissent comme suggéré',
  'assistance.seconds': '{n} s par lecture avec suggestions affichées',
  'assistance.changed': '{changed} lectures finales sur {all} diffèrent de la première',
};
