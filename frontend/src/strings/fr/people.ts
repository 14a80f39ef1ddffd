/** Membres, compte et jetons. */
import type { people as english } from '../en/people';
import type { Translation } from '../shape';

export const people: Translation<typeof english> = {
  'members.title': 'Membres',
  'members.note': 'Les droits de chaque rôle sont fixes ; une personne peut en avoir plusieurs.',
  'members.person': 'Personne',
  'members.role': 'Rôle',
  'members.since': 'Depuis',
  'members.add': 'Ajouter un membre',
  'members.addTitle': 'Ajouter un membre',
  'members.existing': 'A déjà un compte',
  'members.new': 'Nouveau ici',
  'members.username': 'Identifiant',
  'members.fullName': 'Nom complet',
  'members.doAdd': 'Ajouter',
  'members.doInvite': 'Créer le compte et ajouter',
  'members.added': '{who} est maintenant membre.',
  'members.invited': 'Compte créé',
  'members.invitedText':
    'Remettez ce mot de passe à usage unique à {who} par un moyen sûr. Il n’est affiché que maintenant et devra être remplacé à la première connexion.',
  'members.passwordCopy': 'le mot de passe à usage unique',
  'members.understood': 'Je l’ai remis',
  'members.newPassword': 'Nouveau mot de passe à usage unique',
  'members.newPasswordFor': 'Nouveau mot de passe à usage unique pour {who}',
  'members.newPasswordText':
    'Le précédent n’ouvre plus le compte. Remettez celui-ci à {who} par un moyen sûr. Il n’est affiché que maintenant et devra être remplacé à la première connexion.',
  'members.remove': 'Retirer {who}',
  'members.removeTitle': 'Retirer à {who} le rôle « {role} » ?',
  'members.removeText':
    'Ses lectures restent, sous son nom. Les cas qu’il ou elle détient retournent dans la file.',
  'members.removed': '{who} n’a plus le rôle « {role} ».',
  'members.you': 'vous',
  'members.empty': 'Aucun membre pour l’instant',

  'account.title': 'Compte et jetons',
  'account.signedInAs': 'Connecté en tant que',
  'account.site': 'Site',
  'account.password': 'Changer de mot de passe',
  'account.mfa': 'Double authentification',
  'account.language': 'Langue',
  'account.languageNote':
    'Elle vous suit dans chaque navigateur. La page de connexion de ce navigateur la suit aussi.',

  'account.tokens': 'Jetons d’API',
  'account.tokensNote':
    'Pour les programmes. Un jeton vaut pour un seul projet et ne permet rien de plus que vos propres droits.',
  'account.noTokens': 'Vous n’avez aucun jeton.',
  'account.newToken': 'Nouveau jeton',
  'account.tokenName': 'Nom',
  'account.tokenNameHint': 'Ce qui s’en servira : « export nocturne ».',
  'account.tokenProject': 'Projet',
  'account.tokenDays': 'Validité (jours)',
  'account.tokenRights': 'Il permet de',
  'account.tokenNoRights': 'Choisissez au moins un droit.',
  'account.doCreate': 'Créer le jeton',
  'account.tokenMade': 'Votre nouveau jeton',
  'account.tokenMadeText':
    'Copiez-le maintenant : il n’est affiché qu’une fois. Envoyez-le sous la forme « Authorization: Bearer … ».',
  'account.tokenSecret': 'le jeton',
  'account.tokenDone': 'Je l’ai copié',
  'account.expires': 'Expire',
  'account.lastUsed': 'Dernier usage',
  'account.never': 'jamais',
  'account.revoke': 'Révoquer',
  'account.revokeTitle': 'Révoquer « {name} » ?',
  'account.revokeText': 'Ce qui s’en sert cesse aussitôt de fonctionner.',
  'account.revoked': '« {name} » est révoqué.',
};
