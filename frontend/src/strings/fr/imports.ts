/** Importation et quarantaine. */
import type { imports as english } from '../en/imports';
import type { Translation } from '../shape';

export const imports: Translation<typeof english> = {
  'imports.title': 'Importation',
  'imports.note':
    'DICOM, NIfTI, PNG, JPEG ou TIFF, seuls, en dossiers ou en fichiers zip. Chaque fichier est contrôlé ; ce qui est incorrect est mis de côté avec un motif et n’arrête jamais le reste.',
  'imports.drop': 'Déposer ici des fichiers ou des dossiers',
  'imports.dropNow': 'Relâcher pour importer',
  'imports.chooseFiles': 'Choisir des fichiers',
  'imports.chooseFolder': 'Choisir un dossier',
  'imports.nothing': 'Aucun fichier dans ce que vous avez déposé.',
  'imports.unreadable':
    'Le navigateur n’a pas pu lire ce que vous avez déposé. Rien n’en a été importé ; essayez avec les fichiers, ou un dossier plus petit.',
  'imports.uploading': 'Envoi',
  'imports.elsewhere': 'Envoi vers {project} : {share}',
  'imports.uploadingOf': '{received} sur {total}',
  'imports.filesDone': '{done} fichiers envoyés sur {all}',
  'imports.remaining': 'encore {time} environ',
  'imports.paused': 'En attente du serveur. La suite reprendra d’elle-même.',
  'imports.stop': 'Annuler l’importation',
  'imports.stopTitle': 'Annuler cette importation ?',
  'imports.stopText': 'Les fichiers déjà enregistrés restent ; les autres sont abandonnés.',
  'imports.stopKeep': 'Continuer',
  'imports.sent': 'Tous les fichiers sont envoyés ; leur contrôle est en cours.',
  'imports.fileFailed': 'Non envoyé',
  'imports.unfinished': 'Une importation commencée {when} a été interrompue',
  'imports.unfinishedOf': 'Une importation commencée {when} par {who} n’est pas terminée',
  'imports.underWay': {
    one: '{n} fichier manque. Il est peut-être en route en ce moment : demandez à {who} avant d’abandonner l’importation.',
    other:
      '{n} fichiers manquent. Ils sont peut-être en route en ce moment : demandez à {who} avant d’abandonner l’importation.',
  },
  'imports.unfinishedText': {
    one: '{n} fichier manque. Déposez de nouveau le même fichier ou son dossier : seul ce qui manque est envoyé.',
    other:
      '{n} fichiers manquent. Déposez de nouveau les mêmes fichiers ou leur dossier : seul ce qui manque est envoyé.',
  },
  'imports.allThere': 'Tous ses fichiers sont là ; elle n’a seulement pas été close.',
  'imports.finish': 'La terminer',
  'imports.by': 'Par',
  'imports.bySystem': 'la ligne de commande',
  'imports.resumed': {
    one: 'Reprise avec {n} fichier de l’importation interrompue.',
    other: 'Reprise avec {n} fichiers de l’importation interrompue.',
  },
  'imports.forget': 'L’abandonner',
  'imports.history': 'Importations',
  'imports.historyEmpty': 'Rien n’a encore été importé par cette page.',
  'imports.when': 'Date',
  'imports.state': 'État',
  'imports.size': 'Taille',
  'imports.outcome': 'Fichiers',
  'imports.checked': '{done} contrôlés sur {all}',
  'imports.quarantine': 'Quarantaine',
  'imports.quarantineNote': 'Mis de côté : montrés à aucun lecteur tant que personne n’a décidé.',
  'imports.quarantineEmpty': 'Rien en quarantaine.',
  'imports.file': 'Fichier',
  'imports.reason': 'Ce qui ne va pas, et que faire',
  'imports.since': 'Depuis',
  'imports.dismiss': 'Écarter',
  'imports.dismissed': '{name} est écarté.',
  'imports.dismissAll': 'Écarter tous les fichiers affichés',
  'imports.dismissAllTitle': { one: 'Écarter {n} fichier ?', other: 'Écarter {n} fichiers ?' },
  'imports.dismissAllText':
    'Ils sont oubliés, comme si chacun avait été écarté séparément. Ce qui suit plus bas reste en quarantaine.',
  'imports.dismissedAll': { one: '{n} fichier est écarté.', other: '{n} fichiers sont écartés.' },
  'imports.recheck': 'Contrôler de nouveau',
  'imports.rechecked': '{name} est de nouveau contrôlé.',
};
