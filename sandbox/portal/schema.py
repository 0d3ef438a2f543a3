"""The part of the Portal's GraphQL schema that a client of cases needs.

Names and shapes as in the public clients of graphql.redhat.com; there is no published schema.
"""

from functools import cache
from typing import Final

from graphql import GraphQLSchema, build_schema

SCHEMA: Final = """
scalar DateTime

type StringValue { value: String displayValue: String }
type PicklistValue { value: String displayValue: String label: String }
type DateTimeValue { value: DateTime displayValue: String }
type BooleanValue { value: Boolean displayValue: String }
type PageInfo {
  hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String
}

type Query { redhat_support_uiapi: UIAPI }
type UIAPI { query: RecordQuery! }
type RecordQuery {
  RedHatSupportCase(
    where: RedHatSupportCase_Filter, orderBy: RedHatSupportCase_OrderBy, first: Int, after: String
  ): RedHatSupportCaseConnection
  RedHatSupportCaseComment__c(
    where: RedHatSupportCaseComment__c_Filter, orderBy: RedHatSupportCaseComment__c_OrderBy,
    first: Int, after: String
  ): RedHatSupportCaseComment__cConnection
}

type RedHatSupportCaseConnection {
  edges: [RedHatSupportCaseEdge] pageInfo: PageInfo! totalCount: Int! pageResultCount: Int!
}
type RedHatSupportCaseEdge { node: RedHatSupportCase cursor: String! }
type RedHatSupportCase {
  Id: ID!
  CaseNumber__c: StringValue
  Status: PicklistValue
  Priority: PicklistValue
  Type: PicklistValue
  Subject: StringValue
  Description: StringValue
  CreatedDate: DateTimeValue
  LastModifiedDate: DateTimeValue
  IsClosed: BooleanValue
  ClosedDate: DateTimeValue
  Account_Number__c: StringValue
  AccessRestrictions__c: PicklistValue
  SBR_Group__c: StringValue
  RecordType: RedHatSupportRecordType
  RedHatSupportAccount: RedHatSupportAccount
  RedHatSupportContact: RedHatSupportContact
  Product: RedHatSupportProduct2
  Group__r: RedHatSupportGroup
  Owner: RedHatSupportOwner
  CaseComments(first: Int, after: String): CaseCommentConnection
}
type RedHatSupportRecordType { Name: StringValue }
type RedHatSupportAccount { Name: StringValue AccountNumber: StringValue }
type RedHatSupportContact { Name: StringValue Email: StringValue SSOUserName__c: StringValue }
type RedHatSupportProduct2 { Name: StringValue ParentProduct__r: RedHatSupportProduct2 }
type RedHatSupportGroup { Name: StringValue }
type RedHatSupportUser { Name: StringValue }
union RedHatSupportOwner = RedHatSupportGroup | RedHatSupportUser

type CaseCommentConnection {
  edges: [CaseCommentEdge] pageInfo: PageInfo! totalCount: Int! pageResultCount: Int!
}
type CaseCommentEdge { node: CaseComment cursor: String! }
type CaseComment {
  Id: ID!
  CommentBody: StringValue
  CreatedDate: DateTimeValue
  LastModifiedDate: DateTimeValue
  IsPublished: BooleanValue
  CreatedBy: RedHatSupportUser
}

type RedHatSupportCaseComment__cConnection {
  edges: [RedHatSupportCaseComment__cEdge] pageInfo: PageInfo! totalCount: Int!
  pageResultCount: Int!
}
type RedHatSupportCaseComment__cEdge { node: RedHatSupportCaseComment__c cursor: String! }
type RedHatSupportCaseComment__c {
  Id: ID!
  Case__c: StringValue
  Body__c: StringValue
  Visibility__c: PicklistValue
  CreatedDate: DateTimeValue
  LastModifiedDate: DateTimeValue
  LastModifiedByName__c: StringValue
  CreatedBy: RedHatSupportUser
  IsAssociate__c: BooleanValue
  IsCustomer__c: BooleanValue
}

input DateTimeInput { value: DateTime }
input StringOperators {
  eq: String ne: String like: String in: [String] nin: [String]
  gt: String gte: String lt: String lte: String
}
input IdOperators { eq: ID ne: ID in: [ID] nin: [ID] }
input BooleanOperators { eq: Boolean ne: Boolean }
input DateTimeOperators {
  eq: DateTimeInput ne: DateTimeInput in: [DateTimeInput] nin: [DateTimeInput]
  gt: DateTimeInput gte: DateTimeInput lt: DateTimeInput lte: DateTimeInput
}
input RedHatSupportCase_Filter {
  and: [RedHatSupportCase_Filter] or: [RedHatSupportCase_Filter] not: RedHatSupportCase_Filter
  Id: IdOperators
  CaseNumber__c: StringOperators
  Status: StringOperators
  Priority: StringOperators
  Type: StringOperators
  Subject: StringOperators
  CreatedDate: DateTimeOperators
  LastModifiedDate: DateTimeOperators
  IsClosed: BooleanOperators
  ClosedDate: DateTimeOperators
  Account_Number__c: StringOperators
  AccessRestrictions__c: StringOperators
  SBR_Group__c: StringOperators
  RecordType: Name_Filter
  RedHatSupportAccount: Account_Filter
  RedHatSupportContact: Contact_Filter
  Product: Product_Filter
  Group__r: Name_Filter
}
input Name_Filter { Name: StringOperators }
input Account_Filter { Name: StringOperators AccountNumber: StringOperators }
input Contact_Filter {
  Name: StringOperators Email: StringOperators SSOUserName__c: StringOperators
}
input Product_Filter { Name: StringOperators ParentProduct__r: Name_Filter }
input RedHatSupportCaseComment__c_Filter {
  and: [RedHatSupportCaseComment__c_Filter] or: [RedHatSupportCaseComment__c_Filter]
  not: RedHatSupportCaseComment__c_Filter
  Id: IdOperators
  Case__c: IdOperators
  Visibility__c: StringOperators
  CreatedDate: DateTimeOperators
  IsAssociate__c: BooleanOperators
  IsCustomer__c: BooleanOperators
}
enum ResultOrder { ASC DESC }
enum NullOrder { FIRST LAST }
input OrderByClause { order: ResultOrder nulls: NullOrder }
input RedHatSupportCase_OrderBy {
  CaseNumber__c: OrderByClause
  Priority: OrderByClause
  CreatedDate: OrderByClause
  LastModifiedDate: OrderByClause
  ClosedDate: OrderByClause
}
input RedHatSupportCaseComment__c_OrderBy { CreatedDate: OrderByClause }
"""


@cache
def schema() -> GraphQLSchema:
    """The schema, built once."""
    return build_schema(SCHEMA)
