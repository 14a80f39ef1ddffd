/** Le cadre de chaque page, la liste des projets et la page d’un projet. */
import type { shell as english } from '../en/shell';
import type { Translation } from '../shape';

export const shell: Translation<typeof english> = {
  'app.name': 'Consilium',
  'app.researchOnly': 'Réservé à la recherche. Non destiné au diagnostic primaire.',
  'app.skip': 'Aller au contenu',

  'reason.label': 'Motif',
  'reason.hint': 'Conservé au registre, avec votre nom.',
  'reason.needed': 'Indiquez le motif en quelques mots.',
  'action.cancel': 'Annuler',
  'action.close': 'Fermer',
  'action.copy': 'Copier {what}',
  'action.copyFailed': 'Le navigateur n’a pas permis la copie. Sélectionnez le texte et copiez-le vous-même.',
  'action.dismiss': 'Masquer',
  'action.download': 'Télécharger',
  'action.more': 'Afficher la suite',
  'action.retry': 'Réessayer',
  'action.remove': 'Retirer',

  'time.now': 'à l’instant',
  'state.loading': 'Chargement…',
  'state.copied': 'Copié',
  'state.notUpdated': 'Non actualisé depuis {time} : {why}',

  'nav.label': 'Navigation principale',
  'nav.projects': 'Tous les projets',
  'nav.switch': 'Changer de projet',
  'nav.overview': 'Vue d’ensemble',
  'nav.list': 'Liste de lecture',
  'nav.rounds': 'Cycles',
  'nav.models': 'Modèles',
  'nav.triage': 'Tri',
  'nav.datasets': 'Jeux de données',
  'nav.import': 'Importation',
  'nav.members': 'Membres',
  'nav.account': 'Compte et jetons',
  'nav.admin': 'Administration',
  'nav.signOut': 'Se déconnecter',
  'nav.user': 'Votre compte',

  'connection.lost':
    'Le serveur ne répond pas. Votre travail est conservé ici et sera envoyé dès son retour.',
  'connection.signedOut': 'Votre session est terminée. Reconnectez-vous : vous reviendrez à cet endroit.',
  'connection.noAnswer':
    'Le serveur ne répond pas. La connexion est peut-être interrompue ; rien n’est perdu ici.',
  'connection.unexplained':
    'Le serveur a répondu {status} sans explication. Réessayez ; si le problème persiste, prévenez l’exploitant de ce serveur.',
  'connection.signIn': 'Se connecter',

  'notFound.title': 'Cette page n’existe pas',
  'notFound.text': 'L’adresse est peut-être erronée, ou ce qu’elle désigne ne vous est pas accessible.',
  'notFound.home': 'Voir vos projets',
  'failed.title': 'Cette page n’a pas pu être chargée',
  'failed.text':
    'Son code n’est pas arrivé. Le serveur vient peut-être d’être mis à jour : rechargez la page.',
  'failed.reload': 'Recharger',
  'broken.title': 'Cette page ne peut pas continuer',
  'broken.text':
    'Une erreur est survenue pendant l’affichage. Votre travail est conservé ; si un nouvel essai n’y change rien, prévenez l’exploitant de ce serveur.',

  'projects.title': 'Projets',
  'projects.empty': 'Vous n’êtes encore membre d’aucun projet',
  'projects.emptyText':
    'Demandez au responsable d’un projet de vous ajouter sous Membres. Un projet se crée à partir d’un fichier YAML avec la commande « consilium project create ».',
  'projects.cases': { one: '{n} cas', other: '{n} cas' },
  'projects.reads': { one: '{n} lecture', other: '{n} lectures' },
  'projects.mine': '{n} de vous',
  'projects.free': { one: '{n} lecture à faire', other: '{n} lectures à faire' },
  'projects.nothingFree': 'Rien à lire',

  'overview.readNext': 'Lire le suivant',
  'overview.curve': 'Ce qu’apportent les annotations',
  'overview.curveNote': {
    one: '{metric} sur le jeu de test réservé : {n} patient qu’aucun classement n’a jamais touché. Les bandes sont des intervalles à 95 %.',
    other:
      '{metric} sur le jeu de test réservé : {n} patients qu’aucun classement n’a jamais touchés. Les bandes sont des intervalles à 95 %.',
  },
  'overview.curveEmpty': 'Aucun cycle n’a encore été mesuré',
  'overview.curveEmptyText':
    'Après le premier cycle, ce graphique montre la qualité du modèle selon le nombre de cas annotés : ceux choisis par le classement face à ceux tirés au hasard.',
  'overview.curveUnmeasured':
    'Un cycle a eu lieu, mais sa métrique n’a pas pu être calculée sur le jeu de test réservé ; le cycle dit pourquoi.',
  'overview.xAxis': 'Axe horizontal',
  'overview.byLabels': 'Cas annotés',
  'overview.byMinutes': 'Minutes de lecture',
  'overview.active': 'Actif : choisi par le classement',
  'overview.control': 'Témoin : tiré au hasard',
  'overview.next': 'Prochaine étape',
  'overview.streams': 'Avancement par groupe',
  'overview.streamRead': '{read} lus sur {cases}',
  'overview.patients': 'Patients',
  'overview.reads': 'Lectures',
  'overview.readers': 'Lecteurs',
  'overview.readerTime': 'Temps de lecture',
  'overview.issues': 'Problèmes signalés',
  'overview.arriving': 'En cours d’arrivée',
  'overview.quarantined': 'En quarantaine',
  'overview.day': 'Jour',
  'overview.perDay': 'Lectures par jour',
  'overview.perDayEmpty': 'Aucun cas n’a encore été lu.',
  'overview.mine': 'Vos lectures',
  'overview.mineDone': { one: 'Vous avez lu {n} cas.', other: 'Vous avez lu {n} cas.' },
  'overview.mineOpen': {
    one: '{n} lecture reste à faire dans ce projet.',
    other: '{n} lectures restent à faire dans ce projet.',
  },
  'overview.continue': 'Reprendre le cas {id}',
  'overview.draft': 'brouillon enregistré {when}',
  'overview.held': 'retourne dans la file {when}',
  'overview.guideline': 'Consignes de lecture',

  'plot.role': 'graphique',
  'plot.help': 'Les flèches gauche et droite parcourent les points un à un.',
  'plot.table': 'Afficher en tableau',
  'plot.interval': '{value} ({low}–{high})',
  'plot.intervalSpoken': '{value}, intervalle à 95 % de {low} à {high}',
};
