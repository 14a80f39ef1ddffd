/** Le plan du clavier, ses modifications, et la palette d’actions. */
import type { keyboard as english } from '../en/keyboard';
import type { Translation } from '../shape';

export const keyboard: Translation<typeof english> = {
  'shortcuts.title': 'Clavier',
  'shortcuts.open': 'Raccourcis clavier',
  'shortcuts.help': 'Afficher et modifier les raccourcis',
  'shortcuts.then': 'puis',
  'shortcuts.here': 'Sur cette page',
  'shortcuts.everywhere': 'Partout',
  'shortcuts.goTo': 'Aller à : {page}',
  'shortcuts.enabled': 'Raccourcis à une seule touche',
  'shortcuts.enabledHint': 'À désactiver si vous dictez, ou si des touches sont pressées par mégarde.',

  'layer.view': 'Affichage',
  'layer.mark': 'Annotations',
  'layer.case': 'Formulaire et cas',

  'keyboard.room': 'Salle de lecture',
  'keyboard.how':
    'Choisissez une action, puis appuyez sur sa nouvelle touche. Vos touches vous suivent dans chaque navigateur.',
  'keyboard.waiting': 'Conservé dans ce navigateur ; envoyé au retour du serveur.',
  'keyboard.profile': 'Profil',
  'profile.default': 'Par défaut',
  'profile.ohif': 'Comme OHIF',
  'profile.slicer': 'Comme 3D Slicer',
  'profile.left_handed': 'Souris à gauche',
  'keyboard.change': '{label} : {keys}. Modifier la touche',
  'keyboard.none': 'aucune touche',
  'keyboard.press': 'Appuyez sur la nouvelle touche. Échap ne change rien.',
  'keyboard.taken': '{key} est la touche de « {label} ».',
  'keyboard.take': 'La prendre ; « {label} » reçoit {keys}',
  'keyboard.takeAll': 'La prendre ; « {label} » reste sans touche',
  'keyboard.leave': 'La laisser',
  'keyboard.reset': 'Réinitialiser',
  'keyboard.resetOne': 'Réinitialiser la touche de « {label} »',
  'keyboard.resetAll': 'Réinitialiser toutes les touches',
  'keyboard.fixed': '{key} appartient à « {label} » dans ce projet. Choisissez une autre touche.',
  'keyboard.ours':
    '{key} ouvre ce plan ou la liste des actions sur chaque page. Choisissez une autre touche.',
  'keyboard.digit': 'Les chiffres répondent aux questions du formulaire. Choisissez une autre touche.',
  'keyboard.operates':
    '{key} sert à parcourir la page ou à actionner l’élément actif. Choisissez une autre touche.',
  'keyboard.browser': 'Le navigateur utilise lui-même {key}. Choisissez une autre touche.',

  'palette.title': 'Trouver une action',
  'palette.search': 'Que voulez-vous faire ?',
  'palette.list': 'Actions',
  'palette.found': { one: '{n} action', other: '{n} actions' },
  'palette.nothing': 'Aucune action ne porte ce nom ici.',
};
